"""Model files: parameters by layer name, in Caffe's binary (.caffemodel) and HDF5 forms."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.blob_io import read_blob, write_blob
from engine.errors import SnapshotError
from engine.schema import LayerParameter, NetParameter
from engine.snapshot.atomic import Transaction
from engine.snapshot.hdf5 import Hdf5Reader, hdf5_digest, is_hdf5, open_hdf5, sealed_hdf5
from engine.snapshot.seal import seal, seal_digest
from engine.snapshot.sealed_file import read_sealed
from engine.spec.upgrade import upgrade_net
from layers import Blob
from layers.blob import Array

# Made by the net itself or by the place it runs in, not by what was trained.
_INCIDENTAL = ("Split", "Input", "Data", "ArrayData", "HDF5Data", "ImageData", "MemoryData")
_INDEX = re.compile(r"[0-9]{1,3}")  # of a parameter in its layer


@dataclass
class StoredModel:
    """What a model file holds.

    Args:
        path: the file.
        params: for each layer that has any, its parameters in order; None where an HDF5 file
            leaves a parameter to the layer that shares it.
        order: names of all layers in the file, source layers and Splits left out.
        types: the layers' types; HDF5 files do not tell.
        digest: SHA-256 of a file that we wrote, None for other programs'.
    """

    path: Path
    params: dict[str, list[Array | None]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    digest: bytes | None = None


@dataclass
class LayerToSave:
    """A layer of a net as it goes into a file.

    Args:
        param: its description.
        blobs: its parameters.
        shared: the indices of those that another layer owns.
    """

    param: LayerParameter
    blobs: list[Blob]
    shared: set[int]


def read_model(path: Path) -> StoredModel:
    """Reads a model file of any Caffe version, binary or HDF5.

    Raises:
        SnapshotError: the file is missing, empty, damaged or something else.
    """
    if path.name.endswith((".solverstate", ".solverstate.h5")) and path.is_file():
        beside = str(path).replace(".solverstate", ".caffemodel")
        hint = f"`--weights {beside}` takes its weights, `--resume {path}` goes on with it"
        raise SnapshotError("this is a solver state, not a model", str(path), hint=hint)
    if is_hdf5(path):
        return _read_hdf5(path)
    net, digest = read_sealed(path, NetParameter)
    upgrade_net(net)
    model = StoredModel(path, digest=digest)
    for layer in net.layer:
        if layer.type not in _INCIDENTAL:
            model.order.append(layer.name)
        if layer.blobs:
            where = f'{path}, layer "{layer.name}"'
            model.types[layer.name] = layer.type
            model.params[layer.name] = [read_blob(blob, where) for blob in layer.blobs]
    if not net.layer:
        raise SnapshotError("the file holds no layers: it is not a model", str(path))
    return model


def model_pieces(
    name: str, layers: Iterable[LayerToSave], with_diff: bool = False
) -> tuple[tuple[bytes, ...], bytes]:
    """The bytes of a .caffemodel that Caffe reads too, and its digest."""
    net = NetParameter(name=name)
    for layer in layers:
        stored = net.layer.add()
        stored.CopyFrom(layer.param)
        del stored.blobs[:]
        for blob in layer.blobs:
            stored.blobs.append(write_blob(blob.data, blob.diff if with_diff else None))
    pieces = seal(net.SerializeToString())
    return pieces, seal_digest(pieces)


def model_pieces_hdf5(
    layers: Iterable[LayerToSave], with_diff: bool = False
) -> tuple[tuple[bytes, ...], bytes]:
    """The same for a .caffemodel.h5 as Caffe lays it out: /data/LAYER/INDEX (and /diff).

    As there, a shared parameter is written under its owner only.
    """

    def fill(file: Any) -> None:
        for what in ("data", "diff")[: 2 if with_diff else 1]:
            root = file.create_group(what)
            for layer in layers:
                group = root.create_group(layer.param.name)
                for index, blob in enumerate(layer.blobs):
                    if index not in layer.shared:
                        group.create_dataset(str(index), data=getattr(blob, what))

    pieces = sealed_hdf5(fill)
    return pieces, hdf5_digest(pieces)


def write_model(
    path: Path,
    name: str,
    layers: Iterable[LayerToSave],
    with_diff: bool = False,
    files: Transaction | None = None,
    hdf5: bool | None = None,
) -> bytes:
    """Writes a model file; returns its digest.

    Args:
        path: the file.
        name: the net's name.
        layers: its layers.
        with_diff: whether gradients are stored too.
        files: the transaction that the file is to be part of.
        hdf5: whether to write HDF5; None does so where the file's name ends in .h5.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    layers = list(layers)
    hdf5 = path.suffix == ".h5" if hdf5 is None else hdf5
    pieces, digest = (
        model_pieces_hdf5(layers, with_diff) if hdf5 else model_pieces(name, layers, with_diff)
    )
    if files is not None:
        files.write(path, *pieces)
    else:
        with Transaction() as alone:
            alone.write(path, *pieces)
    return digest


def _read_hdf5(path: Path) -> StoredModel:
    with open_hdf5(path) as file:
        if "data" not in file:
            raise SnapshotError(
                'the HDF5 file has no group "data": it is not a model',
                str(path),
                ", ".join(file.members()),
            )
        model = StoredModel(path, digest=file.digest)
        for layer in file.members("data"):
            arrays = _read_layer(file, layer)
            if arrays:
                model.params[layer] = [arrays.get(i) for i in range(max(arrays) + 1)]
        return model


def _read_layer(file: Hdf5Reader, layer: str) -> dict[int, Array]:
    """The parameters of a layer by index; some may be missing, where another layer owns them."""
    arrays = {}
    for name in file.members("data", layer):
        if not _INDEX.fullmatch(name):
            where = f"{file.path}, /data/{layer}"
            raise SnapshotError("expected parameters named 0, 1, ...", where, f'"{name}"')
        arrays[int(name)] = file.numbers("data", layer, name).astype(np.float32, copy=False)
    return arrays
