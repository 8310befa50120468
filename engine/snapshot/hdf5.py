"""HDF5 files, where the h5py extra is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import MissingDependency, SnapshotError
from layers.blob import Array

_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Whether the file begins as HDF5 files do (False where there is no such file)."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


@contextmanager
def open_hdf5(path: Path, mode: str) -> Iterator[Any]:
    """An open h5py file.

    Raises:
        MissingDependency: h5py is not installed.
        SnapshotError: the file is damaged.
    """
    try:
        import h5py
    except ImportError as problem:
        raise MissingDependency("h5py", "data", "HDF5 files") from problem
    try:
        with h5py.File(path, mode) as file:
            yield file
    except (KeyError, ValueError, RuntimeError) as problem:
        raise SnapshotError(f"damaged HDF5 file: {problem}", str(path)) from problem
    except OSError as problem:
        if mode != "r" and problem.errno:
            raise
        raise SnapshotError(f"damaged HDF5 file: {problem}", str(path)) from problem


def read_array(dataset: Any, where: str) -> Array:
    """A float dataset that lies in its own file, as float32.

    Raises:
        SnapshotError: it is no dataset of numbers, or is stored outside the file.
    """
    if not hasattr(dataset, "dtype") or dataset.dtype.kind not in "fiu" or dataset.external:
        raise SnapshotError("expected a plain dataset of numbers", where)
    return np.asarray(dataset[()], np.float32)
