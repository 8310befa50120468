"""HDF5 files, where the h5py extra is installed: written sealed, read with suspicion.

The seal is a line of text and a SHA-256 after the end of what HDF5 calls the file, where every
HDF5 library looks no more. So a damaged file is found before the library meets it. An attribute
tells that there must be a seal.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import MissingDependency, SnapshotError
from layers.blob import Array

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SEAL = b"\ndemitasse sha256\n"
_SEALED = "demitasse_sealed"
_DIGEST_SIZE = hashlib.sha256().digest_size
_EXPANSION, _ROOM = 64, 1 << 26  # what compressed datasets may grow to: times the file, and bytes
_MEMBERS = 100_000


def is_hdf5(path: Path) -> bool:
    """Whether the file begins as HDF5 files do (False where there is no such file)."""
    try:
        with open(path, "rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


def sealed_hdf5(fill: Callable[[Any], None]) -> tuple[bytes, bytes]:
    """An HDF5 file and its seal.

    Args:
        fill: puts the groups and datasets into an open h5py file.

    Raises:
        MissingDependency: h5py is not installed.
    """
    h5py = import_h5py()
    with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
        file.attrs[_SEALED] = np.bytes_(b"sha256 after the end of the file")
        fill(file)
        file.flush()
        image: bytes = file.id.get_file_image()
    return image, _SEAL + hashlib.sha256(image).digest()


def hdf5_digest(pieces: tuple[bytes, bytes]) -> bytes:
    """The digest in a seal."""
    return pieces[1][len(_SEAL) :]


@contextmanager
def open_hdf5(path: Path) -> Iterator[Hdf5Reader]:
    """An HDF5 file to read, its seal verified.

    Raises:
        MissingDependency: h5py is not installed.
        SnapshotError: the file is cut short, altered or damaged.
    """
    h5py = import_h5py()
    digest = _check_seal(path)
    try:
        with h5py.File(path, "r") as file:
            if digest is None and _SEALED in file.attrs:
                raise _altered(path, "its checksum is missing")
            yield Hdf5Reader(file, path, digest)
    except (KeyError, ValueError, RuntimeError, TypeError, OSError, MemoryError) as problem:
        raise SnapshotError(f"damaged HDF5 file: {problem}", str(path)) from problem


class Hdf5Reader:
    """Reads groups and datasets that lie in this file, and no more than it can hold.

    Args:
        file: the open h5py file.
        path: where it is.
        digest: the SHA-256 of a file that we wrote, None for other programs'.
    """

    def __init__(self, file: Any, path: Path, digest: bytes | None):
        self.path, self.digest = path, digest
        self._file = file
        self._left = _ROOM + _EXPANSION * os.path.getsize(path)

    def __contains__(self, name: str) -> bool:
        return self._file.get(name, getlink=True) is not None

    def members(self, *path: str) -> list[str]:
        """The names in a group.

        Raises:
            SnapshotError: there is no such group.
        """
        group = self._find(*path)
        if not hasattr(group, "keys") or len(group) > _MEMBERS:
            raise SnapshotError("expected a group", self._where(*path))
        return list(group)

    def numbers(self, *path: str) -> Array:
        """A dataset of numbers, in the type it is stored in.

        Raises:
            SnapshotError: it is no such dataset, lies in another file, or declares more
                values than this file can hold.
        """
        dataset = self._find(*path)
        if getattr(dataset, "shape", None) is None or dataset.dtype.kind not in "fiu":
            raise SnapshotError("expected a dataset of numbers", self._where(*path))
        if dataset.external or dataset.is_virtual:
            raise SnapshotError("the dataset lies in another file", self._where(*path))
        stored = dataset.id.get_storage_size()
        filtered = dataset.id.get_create_plist().get_nfilters() > 0
        chunk = int(np.prod(dataset.chunks or (0,), dtype=object)) * dataset.dtype.itemsize
        self._left -= max(dataset.nbytes, chunk)
        if (dataset.nbytes > stored and not filtered) or self._left < 0:
            raise SnapshotError(
                "the dataset declares more values than the file can hold",
                self._where(*path),
                f"shape {dataset.shape}, {stored:,} bytes",
            )
        return np.asarray(dataset[()])

    def text(self, *path: str) -> str:
        """A dataset that is one string.

        Raises:
            SnapshotError: it is something else.
        """
        dataset = self._find(*path)
        if getattr(dataset, "size", 0) != 1 or dataset.dtype.kind not in "SO":
            raise SnapshotError("expected a string", self._where(*path))
        if dataset.external or dataset.is_virtual or dataset.nbytes > _ROOM:
            raise SnapshotError("the string lies in another file", self._where(*path))
        value = np.asarray(dataset[()]).item()
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)

    def _find(self, *path: str) -> Any:
        """The object at a path of plain links: others may lead out of the file."""
        h5py = import_h5py()
        found = self._file
        for name in path:
            if not isinstance(found, h5py.Group):
                raise SnapshotError("expected a group", self._where(*path))
            link = found.get(name, getlink=True)
            if link is None:
                raise SnapshotError("missing in the HDF5 file", self._where(*path))
            if not isinstance(link, h5py.HardLink):
                raise SnapshotError("this is a link, which is not followed", self._where(*path))
            found = found[name]
        return found

    def _where(self, *path: str) -> str:
        return f"{self.path}, /{'/'.join(path)}"


def _check_seal(path: Path) -> bytes | None:
    """The digest of a sealed file, None for one without a seal."""
    size = len(_SEAL) + _DIGEST_SIZE
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            rest = os.fstat(file.fileno()).st_size - size
            file.seek(max(rest, 0))
            seal = file.read(size)
            if not seal.startswith(_SEAL):
                return None
            file.seek(0)
            while rest > 0 and (piece := file.read(min(rest, 1 << 20))):
                digest.update(piece)
                rest -= len(piece)
    except OSError as problem:
        raise SnapshotError(f"cannot be read: {problem.strerror}", str(path)) from problem
    if digest.digest() != seal[len(_SEAL) :]:
        raise _altered(path, "its checksum does not match")
    return digest.digest()


def _altered(path: Path, why: str) -> SnapshotError:
    return SnapshotError(
        f"the file was cut short or altered: {why}",
        str(path),
        hint="use an earlier snapshot; `--resume auto` takes the newest good one",
    )


def import_h5py() -> Any:
    """The module h5py.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import h5py
    except ImportError as problem:
        raise MissingDependency("h5py", "data", "HDF5 files") from problem
    return h5py
