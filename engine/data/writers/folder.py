"""Folders that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.snapshot.atomic import named_errors, sync, sync_folder, temporary_path
from layers.errors import DemitasseError


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """An empty folder beside ``path``, to be filled; it takes the name when all is on the disk.

    After an error nothing is left. A killed process leaves the folder ``.NAME.tmp``, which the
    next one that writes NAME empties; two at a time are refused.

    Raises:
        DemitasseError: ``path`` exists, is being written, or cannot be.
    """
    path = path.absolute()
    refuse_existing(path)
    if not path.parent.is_dir():
        raise DemitasseError("there is no such folder", str(path.parent), hint="make it first")
    temporary = temporary_path(path)
    with named_errors(path), _held(temporary):
        try:
            yield temporary
            _sync_all(temporary)
            refuse_existing(path)
            os.rename(temporary, path)
            sync_folder(path.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def refuse_existing(path: Path) -> None:
    """Raises a DemitasseError if there is something at the path."""
    if path.exists() or path.is_symlink():
        raise DemitasseError(
            "it exists already, and is not overwritten",
            str(path),
            hint="remove it, or give another name",
        )


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Makes the folder, empty, and keeps every other process from using it."""
    folder.mkdir(exist_ok=True)
    try:
        import fcntl
    except ImportError:  # not on this system; who writes twice at a time is on their own
        _empty(folder)
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise DemitasseError(
                "another process is writing it", str(folder), hint="wait until it has ended"
            ) from problem
        _empty(folder)
        yield
    finally:
        os.close(descriptor)


def _empty(folder: Path) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def _sync_all(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            sync(Path(parent) / name, os.O_RDWR)
        sync_folder(Path(parent))
