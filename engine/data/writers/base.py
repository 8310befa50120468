"""What every writer of databases does, and the way to a new database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.data.writers.folder import atomic_folder
from layers.errors import DemitasseError

# Records that are committed together, as in Caffe's tools; fewer where they are large, since they
# wait in memory.
_BATCH, _BATCH_BYTES = 1000, 1 << 28


class Writer(ABC):
    """A database being written, in an empty folder.

    Args:
        folder: where to.
        where: names the database in errors.
    """

    def __init__(self, folder: Path, where: str):
        self.where = where
        self._waiting: list[tuple[bytes, bytes]] = []
        self._bytes = 0
        self._open(folder)

    def put(self, key: bytes, value: bytes) -> None:
        """Adds a record; databases order them by their keys.

        Raises:
            DemitasseError: the database does not take it, or the disk is full.
        """
        self._waiting.append((key, value))
        self._bytes += len(value)
        if len(self._waiting) >= _BATCH or self._bytes >= _BATCH_BYTES:
            self._commit_waiting()

    def finish(self) -> None:
        """Writes what still waits, and closes the database.

        Raises:
            DemitasseError: as :meth:`put`.
        """
        self._commit_waiting()
        self.close()

    def _commit_waiting(self) -> None:
        if self._waiting:
            self._commit(self._waiting)
            self._waiting, self._bytes = [], 0

    @abstractmethod
    def _open(self, folder: Path) -> None:
        """Makes the database."""

    @abstractmethod
    def _commit(self, records: list[tuple[bytes, bytes]]) -> None:
        """Writes records, all or none."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of the files; a second time it does nothing."""

    def failed(self, problem: Exception) -> DemitasseError:
        """What the database's library raised, as an error for people."""
        cause = problem.args[0] if problem.args else ""
        said = cause.decode(errors="replace") if isinstance(cause, bytes) else problem
        return DemitasseError(
            f"cannot write the database: {said}", self.where, hint="check that the disk has room"
        )


def _lmdb(folder: Path, where: str) -> Writer:
    from engine.data.writers.lmdb import LmdbWriter

    return LmdbWriter(folder, where)


def _leveldb(folder: Path, where: str) -> Writer:
    from engine.data.writers.leveldb import LevelDbWriter

    return LevelDbWriter(folder, where)


BACKENDS: dict[str, Callable[[Path, str], Writer]] = {"lmdb": _lmdb, "leveldb": _leveldb}


@contextmanager
def new_database(path: Path, backend: str) -> Iterator[Writer]:
    """A database that appears under its name when the block ends without an error, or not at all.

    Args:
        path: its folder, which must not exist.
        backend: one of ``BACKENDS``.

    Raises:
        DemitasseError: the folder exists, or cannot be written.
        MissingDependency: the backend's package is not installed.
    """
    with atomic_folder(path) as folder:
        writer = BACKENDS[backend](folder, str(path))
        try:
            yield writer
            writer.finish()
        finally:
            writer.close()
