"""Reads whole datasets of an HDF5 file as floats, and refuses what points outside the file."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.errors import MissingDependency
from layers.blob import Array
from layers.errors import DemitasseError, did_you_mean

# Deflate, the strongest filter in common use, cannot expand by more than this.
_MAX_EXPANSION = 1032
_CHUNK_ROOM = 2**26  # bytes


def import_h5py() -> Any:
    """The h5py module.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import h5py
    except ImportError as problem:
        raise MissingDependency("h5py", "data", "reading HDF5") from problem
    return h5py


def dataset_names(path: Path) -> list[str]:
    """The names of the datasets that lie at the top of a file, sorted.

    Raises:
        DemitasseError: the file is not HDF5.
    """
    h5py = import_h5py()
    with _open(path) as file:
        return sorted(name for name in file if file.get(name, getclass=True) is h5py.Dataset)


def dataset_shapes(path: Path, names: Sequence[str]) -> list[tuple[int, ...]]:
    """The shapes of some datasets of a file.

    Raises:
        DemitasseError: the file is not HDF5, or a dataset is missing, not of numbers, or has no
            samples axis of the same length as the others.
    """
    with _open(path) as file:
        shapes = [_dataset(file, name, path).shape for name in names]
    for name, shape in zip(names, shapes, strict=True):
        if len(shape) == 0 or shape[0] != shapes[0][0]:
            raise DemitasseError(
                f'datasets "{names[0]}" and "{name}" differ in length'
                if shape
                else f'dataset "{name}" is a scalar',
                str(path),
                got=f"shapes {shapes[0]} and {shape}" if shape else "",
                expected="the same first axis" if shape else "samples along a first axis",
            )
    return shapes


def read_datasets(path: Path, names: Sequence[str], dtype: DTypeLike) -> list[Array]:
    """Some datasets of a file, as the element type, or as they are where that takes less memory.

    Raises:
        DemitasseError: as :func:`dataset_shapes`, or the values cannot be read.
    """
    arrays = []
    with _open(path) as file:
        for name in names:
            dataset = _dataset(file, name, path)
            # All values of a smaller type, such as bytes, are also values of the larger one.
            held = dataset.dtype.newbyteorder("=")
            smaller = held.itemsize < np.dtype(dtype).itemsize
            array: Array = np.empty(dataset.shape, held if smaller else dtype)
            if array.size:
                dataset.read_direct(array)
            arrays.append(array)
    return arrays


@contextmanager
def _open(path: Path) -> Iterator[Any]:
    """The open file; what h5py raises becomes an error that names the file."""
    h5py = import_h5py()
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as problem:
        raise DemitasseError(f"cannot be read as HDF5: {problem}", str(path)) from problem


def _dataset(file: Any, name: str, path: Path) -> Any:
    """A dataset of numbers that lies in this file."""
    h5py = import_h5py()
    _refuse_links(file, name, path)
    dataset = file.get(name)
    if dataset is None:
        raise DemitasseError(
            f'there is no dataset "{name}"',
            str(path),
            expected="one of " + ", ".join(sorted(file)) if len(file) else "",
            hint=did_you_mean(name, file),
        )
    if not isinstance(dataset, h5py.Dataset):
        raise DemitasseError(f'"{name}" is a group, not a dataset', str(path))
    if dataset.file.filename != file.filename or dataset.external or dataset.is_virtual:
        raise DemitasseError(
            f'dataset "{name}" has its values in another file', str(path), hint="copy them into it"
        )
    if dataset.dtype.kind not in "iuf" or dataset.shape is None:
        raise DemitasseError(
            f'dataset "{name}" does not hold numbers',
            str(path),
            got=str(dataset.dtype),
            expected="integers or floats",
        )
    most = max(os.path.getsize(path), 65536) * _MAX_EXPANSION
    # HDF5 takes memory for a whole chunk, however few values are in it.
    chunk = math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
    if dataset.nbytes > most or chunk > max(_CHUNK_ROOM, 4 * dataset.nbytes):
        raise DemitasseError(
            f'dataset "{name}" declares more than the file can hold',
            str(path),
            got=f"shape {dataset.shape} of {dataset.dtype}",
        )
    return dataset


def _refuse_links(file: Any, name: str, path: Path) -> None:
    """Stops before HDF5 follows a link into another file."""
    h5py = import_h5py()
    parts = [part for part in name.split("/") if part]
    for count in range(1, len(parts) + 1):
        link = file.get("/".join(parts[:count]), getlink=True, default=None)
        if isinstance(link, h5py.ExternalLink):
            raise DemitasseError(
                f'dataset "{name}" is a link into another file',
                str(path),
                got=f"{link.filename}: {link.path}",
                hint="copy the dataset into the file",
            )
        if link is None:
            return
