"""LMDB databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from engine.data.readers.keys import Keys, ListedKeys, numbered
from engine.data.readers.lmdb_pages import check_pages
from engine.errors import MissingDependency
from layers.errors import DemitasseError

_open: WeakValueDictionary[Path, LmdbFile] = WeakValueDictionary()


def open_lmdb(folder: Path) -> LmdbFile:
    """The database in a folder; one and the same for all who read it, as LMDB demands.

    Raises:
        DemitasseError: there is none, it is damaged or empty.
        MissingDependency: the package lmdb is not installed.
    """
    place = folder.resolve()
    database = _open.get(place)
    if database is None:
        database = _open[place] = LmdbFile(folder)
    return database


def import_lmdb(needed_for: str) -> Any:
    """The lmdb module.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import lmdb
    except ImportError as problem:
        raise MissingDependency("lmdb", "data", needed_for) from problem
    return lmdb


class LmdbFile:
    """Values of an LMDB by number. Opened without its lock, so a read-only folder will do."""

    def __init__(self, folder: Path):
        self._where = str(folder)
        if not (folder / "data.mdb").is_file():
            raise DemitasseError(
                "this is not an LMDB", self._where, "a folder without data.mdb", hint=_hint(folder)
            )
        lmdb = import_lmdb("reading LMDB")
        self._error = lmdb.Error
        check_pages(folder / "data.mdb")
        try:
            self._env = lmdb.open(self._where, readonly=True, lock=False, max_dbs=0)
            with self._env.begin() as transaction:
                self.keys = self._read_keys(transaction)
        except lmdb.Error as problem:
            raise DemitasseError(f"cannot be read as LMDB: {problem}", self._where) from problem

    def _read_keys(self, transaction: Any) -> Keys:
        cursor = transaction.cursor()
        if not cursor.last():
            raise DemitasseError("the database holds no records", self._where)
        last, count = cursor.key(), transaction.stat()["entries"]
        cursor.first()
        keys = numbered(cursor.key(), last, count)
        return keys or ListedKeys(cursor.iternext(keys=True, values=False))

    def item(self, record: int) -> tuple[bytes, bytes]:
        """Key and value of a record.

        Raises:
            DemitasseError: the database is damaged there.
        """
        start = self.keys.start(record)
        try:
            with self._env.begin() as transaction:
                cursor = transaction.cursor()
                if cursor.set_range(start) and cursor.key().startswith(start):
                    return cursor.item()
        except self._error as problem:
            raise DemitasseError(
                f"the database is damaged: {problem}", f"{self._where}, key {start!r}"
            ) from problem
        raise DemitasseError("there is no such record", f"{self._where}, key {start!r}")


def _hint(folder: Path) -> str:
    return "it looks like a LevelDB: backend: LEVELDB" if (folder / "CURRENT").is_file() else ""
