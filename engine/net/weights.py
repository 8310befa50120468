"""Copying parameters between nets and model files, by layer name."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from engine.blob_io import fit_legacy
from engine.errors import SnapshotError
from engine.snapshot.atomic import Transaction
from engine.snapshot.model_file import LayerToSave, StoredModel, read_model, write_model
from layers import Blob, Layer
from layers.blob import Array


class Parametrised(Protocol):
    """What copying and saving need of a net."""

    name: str
    params: dict[str, list[Blob]]
    shared_params: set[tuple[str, int]]

    @property
    def layers(self) -> list[Layer]: ...


@dataclass
class CopyReport:
    """What became of each layer's parameters when a model file was copied into a net.

    Args:
        path: the model file.
        copied: layers that were copied.
        missing: layers of the net that the file does not have; they stay as they are.
        mismatched: layers that did not fit, with the reason; they stay as they are.
        unused: layers of the file that the net does not have.
        shared: layers that are not in the file, as other layers own all their parameters.
    """

    path: Path
    copied: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    mismatched: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """The report, one line a layer."""
        return [
            f"weights from {self.path}:",
            *(f"  {name}: copied" for name in self.copied),
            *(f"  {name}: shares the parameters of another layer" for name in self.shared),
            *(f"  {name}: DID NOT FIT, {why}" for name, why in self.mismatched.items()),
            *(f"  {name}: missing in the file, stays as initialised" for name in self.missing),
            *(f"  {name}: only in the file, not used" for name in self.unused),
        ]

    def raise_on_mismatch(self) -> None:
        """Raises a SnapshotError when a layer's parameters had other shapes in the file."""
        for name, why in self.mismatched.items():
            raise SnapshotError(
                f'cannot copy the parameters of layer "{name}": {why}',
                str(self.path),
                hint="to learn this layer from scratch, give it another name",
            )

    def raise_on_missing(self) -> None:
        """Raises a SnapshotError when a layer of the net is not in the file."""
        if self.missing:
            raise SnapshotError(
                "the file lacks parameters that the net needs",
                str(self.path),
                f"nothing for {', '.join(self.missing)}",
                "parameters for every layer of the net",
                "the file is cut short, or belongs to another net",
            )


def copy_from(net: Parametrised, file: str | Path) -> CopyReport:
    """Copies what fits from a model file into the net, and reports layer by layer.

    Raises:
        SnapshotError: the file is damaged or cut short, or nothing in it belongs to the net.
    """
    return copy_model(net, read_model(Path(file)))


def copy_model(net: Parametrised, model: StoredModel) -> CopyReport:
    """As :func:`copy_from`, from a model that is already read."""
    _refuse_truncated(net, model)
    report = CopyReport(model.path)
    report.unused = [name for name in model.params if name not in net.params]
    for name, blobs in net.params.items():
        shared = {index for layer, index in net.shared_params if layer == name}
        if name not in model.params:
            (report.shared if len(shared) == len(blobs) else report.missing).append(name)
            continue
        arrays, why = _match(blobs, model.params[name], shared)
        if why:
            report.mismatched[name] = why
            continue
        for index, array in arrays.items():
            blobs[index].data = array
        report.copied.append(name)
    if net.params and not report.copied and not report.mismatched:
        raise SnapshotError(
            "the file has no layer of this net",
            str(model.path),
            ", ".join(model.params) or "no parameters",
            f"some of {', '.join(net.params)}",
        )
    return report


def save(
    net: Parametrised,
    file: str | Path,
    with_diff: bool = False,
    files: Transaction | None = None,
    hdf5: bool | None = None,
) -> bytes:
    """Writes the net as a model file; returns its digest.

    Args:
        net: the net.
        file: the path.
        with_diff: whether the gradients are stored too.
        files: the transaction that the file is to be part of.
        hdf5: whether to write HDF5; None does so where the file's name ends in .h5.

    Raises:
        SnapshotError: the file cannot be written; an old one is untouched.
    """
    layers = [
        LayerToSave(
            layer.layer_param,
            layer.blobs,
            {index for name, index in net.shared_params if name == layer.name},
        )
        for layer in net.layers
    ]
    return write_model(Path(file), net.name, layers, with_diff, files, hdf5)


def _match(
    blobs: list[Blob], arrays: list[Array | None], shared: set[int]
) -> tuple[dict[int, Array], str]:
    """The arrays by index in the blobs' shapes, or the reason why they do not fit."""
    stored = dict(enumerate(arrays))
    needed = {index for index in range(len(blobs)) if index not in shared}
    present = {index for index, array in stored.items() if array is not None}
    if not needed <= present <= set(range(len(blobs))):
        return {}, f"the file has {len(present)} parameters, the net {len(blobs)}"
    fitted = {}
    for index, array in stored.items():
        if array is None:
            continue
        fitted[index] = fit_legacy(array, blobs[index].shape)
        if fitted[index].shape != blobs[index].shape:
            shapes = f"{array.shape} in the file, {blobs[index].shape} in the net"
            return {}, f"parameter {index} is {shapes}"
    return fitted, ""


def _refuse_truncated(net: Parametrised, model: StoredModel) -> None:
    """A file cut between two layers still parses; what gives it away is that it stops early.

    All its layers are the net's, in the net's order, and then it ends while the net goes
    on with layers that have parameters. A model that was trained ends with a loss.
    A file with our seal is known to be whole.
    """
    if model.digest is not None:
        return
    names = [layer.name for layer in net.layers if layer.type != "Split"]
    order = [name for name in model.order if name in names]
    if not order or len(order) != len(model.order):
        return
    last = names.index(order[-1])
    missing = [name for name in net.params if names.index(name) > last]
    if missing and order == [name for name in names[: last + 1] if name in order]:
        raise SnapshotError(
            f'the file ends after layer "{order[-1]}", before layers that the net has',
            str(model.path),
            f"nothing for {', '.join(missing)}",
            "parameters for every layer, or a file that goes on to other layers",
            "the file was cut short; copy or download it again",
        )


def copy_all(net: Parametrised, model: StoredModel) -> None:
    """Copies a model that must fit the net exactly; on an error nothing has changed.

    Raises:
        SnapshotError: a layer is missing in the model or has other shapes.
    """
    blobs = [blob for blobs in net.params.values() for blob in blobs]
    kept = [blob.data.copy() for blob in blobs]
    try:
        report = copy_model(net, model)
        report.raise_on_mismatch()
        report.raise_on_missing()
    except SnapshotError:
        for blob, values in zip(blobs, kept, strict=True):
            blob.data = values
        raise
