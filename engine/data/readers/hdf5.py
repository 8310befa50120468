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
        left_out: what is wrong with files that cannot be used; those are passed over.

    Raises:
        DemitasseError: what is wrong with the first file, if none can be used.
    """

    # One thread, so that the next file is read while the net trains on this one; several would
    # want different files at the same time.
    most_workers = 1
    workers = 1

    def __init__(self, files: Sequence[Path], names: Sequence[str], dtype: DTypeLike):
        import_h5py()
        self._names, self._dtype = names, dtype
        self._lock = threading.Lock()
        self._loaded: tuple[int, list[Array]] | None = None
        self._unreadable: dict[int, DemitasseError] = {}
        self._files: list[Path] = []
        self._shapes: list[tuple[int, ...]] = []
        self.counts: list[int] = []
        self.left_out: list[DemitasseError] = []
        for path in files:
            try:
                self._add(path)
            except DemitasseError as problem:
                self.left_out.append(problem)
        if not self._files:
            raise self.left_out[0]
        self._ends = np.cumsum(self.counts)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def read(self, record: int) -> Record:
        file, row = self._place(record)
        with self._lock:
            return tuple(np.asarray(held[row]) for held in self._load(file))

    def where(self, record: int) -> str:
        file, row = self._place(record)
        return f"{self._files[file]}, row {row}"

    def read_many(self, records: Indices) -> Record | None:
        files = np.searchsorted(self._ends, records, side="right")
        # As far as the records stay in a file; it may come again later on.
        starts = [0, *(np.flatnonzero(np.diff(files)) + 1), len(records)]
        parts: list[list[Array]] = []
        with self._lock:
            for start, end in pairwise(starts):
                file = int(files[start])
                rows = records[start:end] - (self._ends[file] - self.counts[file])
                try:
                    parts.append([rows_of(held, rows) for held in self._load(file)])
                except DemitasseError:
                    return None  # one by one, it is told of each
        if len(parts) == 1:
            return tuple(parts[0])
        return tuple(np.concatenate(arrays) for arrays in zip(*parts, strict=True))

    def _add(self, path: Path) -> None:
        """Takes a file in, if it has all datasets in the shapes of the first one's.

        Raises:
            DemitasseError: it does not.
        """
        found = dataset_shapes(path, self._names)
        first = self._shapes or found
        for name, wanted, shape in zip(self._names, first, found, strict=True):
            if shape[1:] != wanted[1:]:
                raise DemitasseError(
                    f'dataset "{name}" has another shape in {path} than in {self._files[0]}',
                    got=f"{shape}, after {wanted}",
                    expected="the same but for the first axis",
                )
        self._shapes = first
        self._files.append(path)
        self.counts.append(found[0][0])

    def _place(self, record: int) -> tuple[int, int]:
        """The file and the row of a record."""
        file = int(np.searchsorted(self._ends, record, side="right"))
        return file, int(record - (self._ends[file] - self.counts[file]))

    def _load(self, file: int) -> list[Array]:
        """The datasets of a file, which stay in memory until another file is needed."""
        if file in self._unreadable:
            raise self._unreadable[file]
        if self._loaded is None or self._loaded[0] != file:
            self._loaded = None  # let the old file go before the new one comes in
            try:
                self._loaded = file, read_datasets(self._files[file], self._names, self._dtype)
            except DemitasseError as problem:
                self._unreadable[file] = problem
                raise
        return self._loaded[1]
