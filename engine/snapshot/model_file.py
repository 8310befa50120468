"""Model files: parameters by layer name, in Caffe's binary (.caffemodel) and HDF5 forms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine.blob_io import read_blob, write_blob
from engine.errors import SnapshotError
from engine.schema import LayerParameter, NetParameter
from engine.snapshot.atomic import atomic_path, write_atomically
from engine.snapshot.hdf5 import is_hdf5, open_hdf5, read_array
from engine.snapshot.seal import seal, seal_digest
from engine.snapshot.sealed_file import read_sealed
from engine.spec.upgrade import upgrade_net
from layers import Blob
from layers.blob import Array

# Made by the net itself or by the place it runs in, not by what was trained.
_INCIDENTAL = ("Split", "Input", "Data", "ArrayData", "HDF5Data", "ImageData", "MemoryData")


@dataclass
class StoredModel:
    """What a model file holds.

    Args:
        path: the file.
        params: for each layer that has any, its parameters in order; None where an HDF5 file
            leaves a parameter to the layer that shares it.
        order: names of all layers in the file, source layers and Splits left out.
        digest: SHA-256 of a file that we wrote, None for other programs'.
    """

    path: Path
    params: dict[str, list[Array | None]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
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
            model.params[layer.name] = [read_blob(blob, where) for blob in layer.blobs]
    if not net.layer:
        raise SnapshotError("the file holds no layers: it is not a model", str(path))
    return model


def write_model(
    path: Path, name: str, layers: Iterable[LayerToSave], with_diff: bool = False
) -> bytes:
    """Writes a .caffemodel that Caffe reads too; returns its digest.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    net = NetParameter(name=name)
    for layer in layers:
        stored = net.layer.add()
        stored.CopyFrom(layer.param)
        del stored.blobs[:]
        for blob in layer.blobs:
            stored.blobs.append(write_blob(blob.data, blob.diff if with_diff else None))
    pieces = seal(net.SerializeToString())
    write_atomically(path, *pieces)
    return seal_digest(pieces)


def write_model_hdf5(path: Path, layers: Iterable[LayerToSave], with_diff: bool = False) -> None:
    """Writes a .caffemodel.h5 as Caffe lays it out: /data/LAYER/INDEX (and /diff).

    As there, a shared parameter is written under its owner only.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    with atomic_path(path) as temporary, open_hdf5(temporary, "w") as file:
        for what in ("data", "diff")[: 2 if with_diff else 1]:
            root = file.create_group(what)
            for layer in layers:
                group = root.create_group(layer.param.name)
                for index, blob in enumerate(layer.blobs):
                    if index in layer.shared:
                        continue
                    group.create_dataset(str(index), data=getattr(blob, what))


def _read_hdf5(path: Path) -> StoredModel:
    with open_hdf5(path, "r") as file:
        if "data" not in file:
            raise SnapshotError(
                'the HDF5 file has no group "data": it is not a model', str(path), ", ".join(file)
            )
        model = StoredModel(path)
        for layer, group in file["data"].items():
            arrays = {
                int(name): read_array(dataset, f"{path}, /data/{layer}/{name}")
                for name, dataset in group.items()
            }
            if arrays:
                model.params[layer] = [arrays.get(i) for i in range(max(arrays) + 1)]
        return model
