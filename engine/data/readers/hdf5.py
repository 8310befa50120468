"""Rows of the datasets of several HDF5 files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from engine.data.hdf5_file import dataset_shapes, import_h5py, read_datasets
from engine.data.order import Indices
from engine.data.readers.arrays import rows_of
from engine.data.readers.base import Reader, Record
from layers.blob import Array
from layers.errors import DemitasseError


class HDF5Reader(Reader):
    """Rows numbered through all files; one file is in memory at a time.

    Args:
        files: HDF5 files that hold all the datasets, of one shape but for the first axis.
        names: the datasets.
        dtype: what their values become, in a batch at the latest.

    Attributes:
        counts: the rows of each file.
    """

    # One thread, so that the next file is read while the net trains on this one; several would
    # want different files at the same time.
    most_workers = 1
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
        self._ends = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, record: int) -> Record:
        file = int(np.searchsorted(self._ends, record, side="right"))
        row = record - (self._ends[file] - self.counts[file])
        with self._lock:
            return tuple(np.asarray(held[row]) for held in self._load(file))

    def read_many(self, records: Indices) -> Record:
        files = np.searchsorted(self._ends, records, side="right")
        # As far as the records stay in a file; it may come again later on.
        starts = [0, *(np.flatnonzero(np.diff(files)) + 1), len(records)]
        parts: list[list[Array]] = []
        with self._lock:
            for start, end in pairwise(starts):
                file = int(files[start])
                rows = records[start:end] - (self._ends[file] - self.counts[file])
                parts.append([rows_of(held, rows) for held in self._load(file)])
        if len(parts) == 1:
            return tuple(parts[0])
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    def _load(self, file: int) -> list[Array]:
        """The datasets of a file, which stay in memory until another file is needed."""
        if self._loaded is None or self._loaded[0] != file:
            self._loaded = None  # let the old file go before the new one comes in
            self._loaded = file, read_datasets(self._files[file], self._names, self._dtype)
        return self._loaded[1]
