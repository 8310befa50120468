"""New HDF5 files, with datasets that grow."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.data.hdf5_file import import_h5py
from engine.snapshot.atomic import atomic_path
from layers.blob import Array


class Hdf5Writer:
    """A file being written.

    Args:
        path: where to; a file that is there is lost.

    Raises:
        OSError: it cannot be made.
        MissingDependency: h5py is not installed.
    """

    def __init__(self, path: Path):
        h5py = import_h5py()
        self._disk = _Disk(path, "w+")
        self._file: Any = h5py.File(self._disk, "w")

    def append(self, name: str, rows: Array) -> None:
        """Adds rows, (N, ...), to a dataset.

        Raises:
            OSError: the disk is full.
        """
        if name not in self._file:
            shape = (None, *rows.shape[1:])
            self._file.create_dataset(name, data=rows, maxshape=shape, chunks=True)
        else:
            dataset = self._file[name]
            done = len(dataset)
            dataset.resize(done + len(rows), axis=0)
            dataset[done:] = rows
        self._disk.check()

    def close(self) -> None:
        """Completes the file.

        Raises:
            OSError: the disk is full, or was before.
        """
        self._file.close()
        self._disk.close()
        self._disk.check()


@contextmanager
def new_hdf5(path: Path) -> Iterator[Hdf5Writer]:
    """A file that appears when the block ends without an error, or not at all.

    Raises:
        SnapshotError: it cannot be written.
        MissingDependency: h5py is not installed.
    """
    with atomic_path(path) as temporary:
        writer = Hdf5Writer(temporary)
        try:
            yield writer
        finally:
            writer.close()


class _Disk(io.FileIO):
    """A file that keeps a failure to itself until it is asked.

    When HDF5 meets a full disk it cannot close what it has open any more, and the process
    crashes; so it is told that all is well, and what it writes from then on is dropped.
    """

    problem: OSError | None = None

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        try:
            while rest and self.problem is None:
                rest = rest[super().write(rest) :]
        except OSError as problem:
            self.problem = problem
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as problem:
            self.problem = problem
            return size or 0

    def check(self) -> None:
        """Raises the OSError that there was."""
        if self.problem is not None:
            raise self.problem
