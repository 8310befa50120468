"""HDF5Output: writes what comes in to an HDF5 file."""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Sequence
from pathlib import Path

from engine.data.hdf5_file import import_h5py
from engine.data.writers.hdf5 import Hdf5Writer
from engine.snapshot.atomic import atomic_path
from layers.base import Layer
from layers.blob import Array, Blob
from layers.errors import DemitasseError
from layers.registry import register_layer

log = logging.getLogger("demitasse")

_DATASETS = ("data", "label")


@register_layer("HDF5Output")
class HDF5Output(Layer):
    """Appends its bottoms, batch after batch, to the datasets "data" and "label" of a file.

    Formula: data = bottom 0 of every forward pass, one after the other; label = bottom 1

    The file appears, whole, when the net is closed or no longer used, or the program ends; until
    then the rows are in a file beside it whose name ends in .part.

    Shapes: two bottoms with one first axis; no tops. The datasets have four axes at least, with
    lengths of 1 added at the end.

    Parameters (hdf5_output_param): file_name, as seen from the working directory.

    Example::

        layer { name: "in" type: "DummyData" top: "x" top: "y"
          dummy_data_param { shape { dim: [2, 3] } shape { dim: 2 } } }
        layer { name: "write" type: "HDF5Output" bottom: "x" bottom: "y"
          hdf5_output_param { file_name: "features.h5" } }

    Source: Caffe's HDF5Output, which takes a single batch.
    """

    exact_num_bottom = 2
    exact_num_top = 0

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        name = self.layer_param.hdf5_output_param.file_name
        if not name:
            raise self.error("needs hdf5_output_param.file_name, the file to write")
        import_h5py()
        folder = Path(name).absolute().parent
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK):
            raise self.error(f'cannot write "{name}"', f"no writable folder {folder}")
        self._rows = _Rows(Path(name).absolute())
        self._open = weakref.finalize(self, _finish_late, self._rows)

    def close(self) -> None:
        """Gives the file its name; a second time it does nothing.

        Raises:
            SnapshotError: the rest cannot be written.
        """
        if self._open.detach():
            self._rows.finish()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].shape[:1] != bottom[1].shape[:1]:
            raise self.error(
                "needs as many labels as samples", f"{bottom[0].shape} and {bottom[1].shape}"
            )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if not self._open.alive:
            raise self.error("has been closed, and its file is written")
        try:
            for name, blob in zip(_DATASETS, bottom, strict=True):
                data = blob.data
                self._rows.append(name, data.reshape(*data.shape, *[1] * (4 - data.ndim)))
        except (OSError, ValueError) as problem:
            raise self.error(f"cannot write {self._rows.part}: {problem}") from problem

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        """Nothing comes back from a file."""

    def allow_force_backward(self, bottom_index: int) -> bool:
        return False


def _finish_late(rows: _Rows) -> None:
    """When nobody is left to take an error, it is told."""
    try:
        rows.finish()
    except DemitasseError as problem:
        log.error("%s", problem)


class _Rows:
    """The file while it grows; apart from the layer, so that it outlives it."""

    def __init__(self, path: Path):
        self._path = path
        self.part = path.with_name(f"{path.name}.part")
        self._file: Hdf5Writer | None = None

    def append(self, name: str, rows: Array) -> None:
        if self._file is None:
            self._file = Hdf5Writer(self.part)
        self._file.append(name, rows)

    def finish(self) -> None:
        """Gives the file its name."""
        if self._file is None:
            return
        with atomic_path(self._path) as temporary:
            self._file.close()
            os.replace(self.part, temporary)
