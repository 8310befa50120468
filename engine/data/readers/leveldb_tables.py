"""A LevelDB read from its files, where LevelDB itself is not installed."""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from engine.data.readers.keys import Keys, ListedKeys, numbered
from engine.data.readers.leveldb_format import (
    DELETION,
    VALUE,
    Cursor,
    Damaged,
    Handle,
    entries,
    handle_of,
    index_handle,
    log_records,
    read_block,
)
from layers.errors import DemitasseError

_COMPARATOR, _LOG, _NEXT_FILE, _LAST_SEQUENCE, _COMPACTED = 1, 2, 3, 4, 5
_DELETED_FILE, _NEW_FILE, _PREVIOUS_LOG = 6, 7, 9
_TAG = 8  # bytes behind a key in a table: kind and sequence number
_BLOCKS = 16  # unpacked ones that are kept


class _Place(NamedTuple):
    """Where the newest version of a key is: in a block of a table, or, from a log, right here."""

    sequence: int
    table: int = 0
    block: Handle = Handle(0, 0)
    value: bytes | None = None


class LevelTables:
    """Values of a LevelDB by number, read from its tables and logs; nothing is written.

    All keys are listed when it is opened, which takes one pass over all blocks.

    Args:
        folder: of the database.

    Raises:
        DemitasseError: it is damaged or empty.
    """

    def __init__(self, folder: Path):
        self._where = str(folder)
        self._folder = folder
        self._tables: dict[int, mmap.mmap] = {}
        self._newest: dict[bytes, _Place] = {}
        self._deleted: set[bytes] = set()
        self._entries = lru_cache(_BLOCKS)(partial(_values, self._tables))
        try:
            tables, log = self._read_manifest()
            for number in tables:
                self._list_table(self._table_path(number), number)
            for path in sorted(folder.glob("*.log"), key=lambda path: int(path.stem)):
                if int(path.stem) >= log:
                    self._read_log(path)
        except (Damaged, OSError, ValueError) as problem:
            cause = problem.what if isinstance(problem, DemitasseError) else str(problem)
            raise DemitasseError(f"cannot be read as LevelDB: {cause}", self._where) from problem
        self._sorted = sorted(self._newest.keys() - self._deleted)
        if not self._sorted:
            raise DemitasseError("the database holds no records", self._where)
        listed = ListedKeys(self._sorted)
        self.keys: Keys = numbered(self._sorted[0], self._sorted[-1], len(listed)) or listed

    def item(self, record: int) -> tuple[bytes, bytes]:
        """Key and value of a record.

        Raises:
            DemitasseError: the database is damaged there.
        """
        key = self._sorted[record]
        place = self._newest[key]
        if place.value is not None:
            return key, place.value
        try:
            return key, self._entries(place.table, place.block)[key, place.sequence]
        except (Damaged, KeyError) as problem:
            raise DemitasseError(
                "the database is damaged: a block cannot be read", f"{self._where}, key {key!r}"
            ) from problem

    def _read_manifest(self) -> tuple[list[int], int]:
        """The numbers of the tables that count, and of the first log that does."""
        name = (self._folder / "CURRENT").read_text().strip()
        tables: set[int] = set()
        log, seen = 0, set()
        for record in log_records((self._folder / name).read_bytes()):
            cursor = Cursor(record)
            while not cursor.ended:
                tag = cursor.varint()
                seen.add(tag)
                if tag == _COMPARATOR:
                    cursor.string()
                elif tag == _LOG:
                    log = cursor.varint()
                elif tag in (_NEXT_FILE, _LAST_SEQUENCE, _PREVIOUS_LOG):
                    cursor.varint()
                elif tag == _COMPACTED:
                    cursor.varint(), cursor.string()
                elif tag == _DELETED_FILE:
                    cursor.varint()
                    tables.discard(cursor.varint())
                elif tag == _NEW_FILE:
                    cursor.varint()
                    tables.add(cursor.varint())
                    cursor.varint(), cursor.string(), cursor.string()
                else:
                    raise Damaged("the manifest holds what is unknown", got=f"tag {tag}")
        if not seen >= {_LOG, _NEXT_FILE, _LAST_SEQUENCE}:
            raise Damaged("the manifest is incomplete")
        return sorted(tables), log

    def _table_path(self, number: int) -> Path:
        for suffix in (".ldb", ".sst"):
            path = self._folder / f"{number:06}{suffix}"
            if path.is_file():
                return path
        raise Damaged(f"table {number:06} is missing")

    def _list_table(self, path: Path, number: int) -> None:
        with open(path, "rb") as file:
            table = self._tables[number] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            for _, value in entries(read_block(table, index_handle(table))):
                handle = handle_of(value)
                for stored, _ in entries(read_block(table, handle)):
                    key, sequence, kind = _parts(stored)
                    self._note(key, _Place(sequence, number, handle), kind)
        except Damaged as problem:
            raise Damaged(f"{path.name}: {problem.what}") from problem

    def _read_log(self, path: Path) -> None:
        """Batches of changes that are in no table yet."""
        for record in log_records(path.read_bytes()):
            cursor = Cursor(record)
            sequence = int.from_bytes(cursor.take(8), "little")
            for number in range(int.from_bytes(cursor.take(4), "little")):
                kind, key = cursor.take(1)[0], cursor.string()
                value = cursor.string() if kind == VALUE else b""
                self._note(key, _Place(sequence + number, value=value), kind)

    def _note(self, key: bytes, place: _Place, kind: int) -> None:
        """Keeps a version of a key, if it is the newest so far."""
        known = self._newest.get(key)
        if known is not None and known.sequence >= place.sequence:
            return
        self._newest[key] = place
        if kind == DELETION:
            self._deleted.add(key)
        else:
            self._deleted.discard(key)


def _values(
    tables: Mapping[int, mmap.mmap], table: int, block: Handle
) -> dict[tuple[bytes, int], bytes]:
    """The values of a block by key and sequence number."""
    found = entries(read_block(tables[table], block))
    return {_parts(stored)[:2]: value for stored, value in found}


def _parts(stored: bytes) -> tuple[bytes, int, int]:
    """Key, sequence number and kind of an entry."""
    if len(stored) < _TAG:
        raise Damaged("a key is too short")
    tag = int.from_bytes(stored[-_TAG:], "little")
    return stored[:-_TAG], tag >> 8, tag & 255
