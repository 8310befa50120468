"""Rows of the datasets of several HDF5 files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from engine.data.hdf5_file import dataset_shapes, import_h5py, read_datasets
from engine.data.order import Indices
from engine.data.readers.base import Reader, Record
from layers.blob import Array
from layers.errors import DemitasseError


class HDF5Reader(Reader):
    """Rows numbered through all files; one file is in memory at a time.

    Args:
        files: HDF5 files that hold all the datasets, of one shape but for the first axis.
        names: the datasets.
        dtype: what their values become.

    Attributes:
        counts: the rows of each file.
    """

    # One thread, so that the next file is read while the net trains on this one.
    workers = 1

    def __init__(self, files: Sequence[Path], names: Sequence[str], dtype: DTypeLike):
        import_h5py()
        self._files, self._names, self._dtype = files, names, dtype
        self._lock = threading.Lock()
        self._loaded: tuple[int, list[Array]] | None = None
        shapes = [dataset_shapes(path, names) for path in files]
        for path, found in zip(files, shapes, strict=True):
            for name, first, shape in zip(names, shapes[0], found, strict=True):
                if shape[1:] != first[1:]:
                    raise DemitasseError(
                        f'dataset "{name}" has another shape in {path} than in {files[0]}',
                        got=f"{shape}, after {first}",
                        expected="the same but for the first axis",
                    )
        self.counts = [found[0][0] for found in shapes]
        self.shapes = [shape[1:] for shape in shapes[0]]
        self._ends = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, record: int) -> Record:
        return tuple(array[0] for array in self.read_many(np.array([record])))

    def read_many(self, records: Indices) -> Record:
        files = np.searchsorted(self._ends, records, side="right")
        arrays = tuple(np.empty((len(records), *shape), self._dtype) for shape in self.shapes)
        done = 0
        with self._lock:
            while done < len(records):
                file = int(files[done])
                # As far as the records stay in this file; it may come again later on.
                other = np.flatnonzero(files[done:] != file)
                end = done + int(other[0]) if other.size else len(records)
                rows = records[done:end] - (self._ends[file] - self.counts[file])
                for array, held in zip(arrays, self._load(file), strict=True):
                    np.take(held, rows, axis=0, out=array[done:end], mode="clip")
                done = end
        return arrays

    def _load(self, file: int) -> list[Array]:
        """The datasets of a file, which stay in memory until another file is needed."""
        if self._loaded is None or self._loaded[0] != file:
            self._loaded = None  # let the old file go before the new one comes in
            self._loaded = file, read_datasets(self._files[file], self._names, self._dtype)
        return self._loaded[1]
