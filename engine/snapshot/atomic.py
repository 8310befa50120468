"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import SnapshotError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path``; what is written there replaces it in one step.

    The bytes reach the disk before the name does, and the name before this returns, so a
    crash or a power cut leaves the old file or the new one.

    Raises:
        SnapshotError: the file cannot be written; the one that was there is untouched.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        yield temporary
        _sync(temporary, os.O_RDWR)
        os.replace(temporary, path)
        _sync(path.parent, os.O_RDONLY)
    except OSError as problem:
        _remove(temporary)
        raise SnapshotError(
            f"cannot write the file: {problem.strerror or problem}",
            str(path),
            hint="check that the folder exists, is writable and has room",
        ) from problem
    except BaseException:
        _remove(temporary)
        raise


def write_atomically(path: Path, *pieces: bytes) -> None:
    """Writes the pieces, one after the other, as the whole content of the file."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        for piece in pieces:
            file.write(piece)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(temporary: Path) -> None:
    with suppress(OSError):
        temporary.unlink()
