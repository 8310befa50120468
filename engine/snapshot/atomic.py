"""Files that appear whole or not at all, one by one or several together."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from engine.errors import SnapshotError

_CHUNK = 1 << 26  # bytes a write call; the kernel takes 2 GB at most
_BINARY = getattr(os, "O_BINARY", 0)  # on Windows, no translation of line ends
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # a file system whose folders cannot be synced


def temporary_path(path: Path) -> Path:
    """Where a file is written before it takes its name, in the same folder."""
    return path.with_name(f".{path.name}.tmp")


class Transaction:
    """Files written under temporary names, which take their own at the end, all together.

    The bytes of all files reach the disk before the first gets its name, and each name before
    the next. An error until then leaves every old file as it was. When the last steps are cut
    short, the files that have not got their names lie whole under the temporary ones: with a
    reader that looks there, nothing is lost at any moment.

    Raises:
        SnapshotError: a file cannot be written.
    """

    def __init__(self) -> None:
        self._paths: list[Path] = []

    def write(self, path: Path, *pieces: bytes) -> None:
        """Writes the pieces, one after the other, as the whole content of a file."""
        self._paths.append(path)
        with named_errors(path):
            _write(temporary_path(path), pieces)

    def __enter__(self) -> Transaction:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if problem is not None:
            self._remove()
            return
        for index, path in enumerate(self._paths):
            try:
                with named_errors(path):
                    os.replace(temporary_path(path), path)
            except BaseException:
                if index == 0:
                    self._remove()
                raise
            with named_errors(path):
                sync_folder(path.parent)

    def _remove(self) -> None:
        for path in self._paths:
            _unlink(temporary_path(path))


def write_atomically(path: Path, *pieces: bytes) -> None:
    """Writes the pieces, one after the other, as the whole content of the file.

    Raises:
        SnapshotError: the file cannot be written; the one that was there is untouched.
    """
    with Transaction() as files:
        files.write(path, *pieces)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``, for libraries that write files themselves.

    Raises:
        SnapshotError: the file cannot be written; the one that was there is untouched.
    """
    temporary = temporary_path(path)
    try:
        with named_errors(path):
            yield temporary
            sync(temporary, os.O_RDWR)
            os.replace(temporary, path)
            sync_folder(path.parent)
    except BaseException:
        _unlink(temporary)
        raise


def _write(path: Path, pieces: tuple[bytes, ...]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
    try:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                written = os.write(descriptor, rest[:_CHUNK])
                if written <= 0:
                    raise OSError(errno.EIO, "nothing was written")
                rest = rest[written:]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync(path: Path, flags: int) -> None:
    """Has what was written to a file reach the disk."""
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Has the names in a folder reach the disk."""
    if os.name == "nt":  # folders cannot be opened there
        return
    try:
        sync(path, os.O_RDONLY)
    except OSError as problem:
        if problem.errno not in _NO_SYNC:
            raise


def _unlink(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turns what the system refuses into an error that names the file.

    Raises:
        SnapshotError: in the place of an OSError.
    """
    try:
        yield
    except OSError as problem:
        raise SnapshotError(
            f"cannot write the file: {problem.strerror or problem}",
            str(path),
            hint="check that the folder exists, is writable and has room",
        ) from problem
