"""Where extracted features go: a database of Datums, an HDF5 file, or an .npz."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.writers import BACKENDS, Writer, new_database
from engine.data.writers.datum import feature_datum
from engine.data.writers.folder import refuse_existing
from engine.data.writers.hdf5 import Hdf5Writer, new_hdf5
from engine.snapshot.atomic import atomic_path
from layers.blob import Array

_FILES = {"hdf5": (".h5", ".hdf5"), "npz": (".npz",)}
KINDS = (*BACKENDS, *_FILES)


class FeatureWriter(ABC):
    """Takes the features of one blob, batch after batch."""

    @abstractmethod
    def add(self, batch: Array) -> None:
        """Adds rows, (N, ...)."""


class DatabaseFeatures(FeatureWriter):
    """Datums of floats under the keys of Caffe's extract_features."""

    def __init__(self, database: Writer):
        self._database, self._count = database, 0

    def add(self, batch: Array) -> None:
        for values in batch:
            key = b"%010d" % self._count
            self._database.put(key, feature_datum(values).SerializeToString())
            self._count += 1


class HDF5Features(FeatureWriter):
    """A dataset of an HDF5 file."""

    def __init__(self, file: Hdf5Writer, blob: str):
        self._file, self._blob = file, blob

    def add(self, batch: Array) -> None:
        self._file.append(self._blob, batch)


class ArrayFeatures(FeatureWriter):
    """An array of an .npz, in memory until the end."""

    def __init__(self, batches: list[Array]):
        self._batches = batches

    def add(self, batch: Array) -> None:
        self._batches.append(batch.copy())


def kind_of(path: Path) -> str:
    """What a name's ending says; a database where it says nothing."""
    ending = path.suffix.lower()
    return next((kind for kind, endings in _FILES.items() if ending in endings), "lmdb")


@contextmanager
def feature_writers(
    kind: str, paths: Sequence[Path], blobs: Sequence[str]
) -> Iterator[list[FeatureWriter]]:
    """A writer for each blob; all that they write appears at the end, or nothing.

    Args:
        kind: one of ``KINDS``.
        paths: one for each blob; files may hold several blobs, by their names.
        blobs: their names.

    Raises:
        DemitasseError: a path exists, or cannot be written.
        MissingDependency: the package that writes the kind is not installed.
    """
    for path in paths:
        refuse_existing(path)
    with ExitStack() as stack:
        if kind in BACKENDS:
            databases = [stack.enter_context(new_database(path, kind)) for path in paths]
            yield [DatabaseFeatures(database) for database in databases]
            return
        pairs, once = zip(paths, blobs, strict=True), dict.fromkeys(paths)
        if kind == "hdf5":
            files = {path: stack.enter_context(new_hdf5(path)) for path in once}
            yield [HDF5Features(files[path], blob) for path, blob in pairs]
        else:
            held = {path: stack.enter_context(_npz(path)) for path in once}
            yield [ArrayFeatures(held[path].setdefault(blob, [])) for path, blob in pairs]


@contextmanager
def _npz(path: Path) -> Iterator[dict[str, list[Array]]]:
    held: dict[str, list[Array]] = {}
    with atomic_path(path) as temporary:
        yield held
        arrays: Any = {name: np.concatenate(batches) for name, batches in held.items()}
        with open(temporary, "wb") as file:
            np.savez(file, **arrays)
