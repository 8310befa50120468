"""LevelDB databases.

Read with plyvel-ci: plyvel, with LevelDB 1.23 and snappy inside, in wheels for Python 3.11 and 3.12
on Linux, macOS and Windows; plyvel's own wheels are for Linux on x86-64 only. Neither has wheels
for Python 3.13 yet; there the files are read by :mod:`engine.data.readers.leveldb_tables`.
"""

from __future__ import annotations

import os
import shutil
import struct
import sys
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary, finalize

from engine.data.readers.datum import Database
from engine.data.readers.keys import Keys, ListedKeys, numbered
from engine.errors import MissingDependency
from layers.errors import DemitasseError

# To list the keys LevelDB reads all the values too, so of larger databases, whose last key is
# numbered, it is taken that no number is missing; a record that is missing is a bad one.
_LISTED_BYTES = 2**30
_FLOCK = "hhqqi4x"

_open: WeakValueDictionary[Path, Any] = WeakValueDictionary()


def open_leveldb(folder: Path) -> Database:
    """The database in a folder; one and the same for all who read it.

    Raises:
        DemitasseError: there is none, it is damaged or empty, or a process writes to it.
        MissingDependency: the package plyvel is not installed, nor what reads the files without it.
    """
    place = folder.resolve()
    database: Database | None = _open.get(place)
    if database is None:
        if not (folder / "CURRENT").is_file():
            raise DemitasseError(
                "this is not a LevelDB", str(folder), "a folder without CURRENT", hint=_hint(folder)
            )
        _refuse_locked(folder)
        database = _open[place] = _opened(folder)
    return database


def _opened(folder: Path) -> Database:
    """The database by LevelDB itself, else by our reader of its files."""
    try:
        return LevelDb(folder)
    except MissingDependency:
        if find_spec("cramjam") is None or find_spec("google_crc32c") is None:
            raise
        from engine.data.readers.leveldb_tables import LevelTables

        return LevelTables(folder)


class LevelDb:
    """Values of a LevelDB by number.

    LevelDB knows no reading without writing: to open is to lock, to write a log and to tidy up.
    So what is opened is a temporary folder with copies of the small files and links to the
    tables, which never change; the database itself stays as it is and may be read-only.
    """

    def __init__(self, folder: Path):
        self._where = str(folder)
        plyvel = import_plyvel("reading LevelDB")
        self._error = plyvel.Error
        view = tempfile.mkdtemp(prefix="demitasse_leveldb_")
        finalize(self, shutil.rmtree, view, ignore_errors=True)
        self._local = threading.local()
        try:
            size = _fill_view(folder, Path(view))
            self._db = plyvel.DB(view, create_if_missing=False, paranoid_checks=True)
            self.keys = self._read_keys(size)
        except (plyvel.Error, OSError) as problem:
            cause = str(problem).replace(view, self._where)
            raise DemitasseError(f"cannot be read as LevelDB: {cause}", self._where) from problem

    def _read_keys(self, size: int) -> Keys:
        iterator = self._keys_iterator()
        first = next(iterator, None)
        if first is None:
            raise DemitasseError("the database holds no records", self._where)
        iterator.seek_to_stop()
        last = iterator.prev()
        if size > _LISTED_BYTES and (keys := numbered(first, last, None)):
            return keys
        listed = ListedKeys(self._keys_iterator())
        return numbered(first, last, len(listed)) or listed

    def _keys_iterator(self) -> Any:
        """An iterator that leaves no blocks in the cache, where they would count as verified."""
        return self._db.iterator(include_value=False, fill_cache=False)

    def item(self, record: int) -> tuple[bytes, bytes]:
        """Key and value of a record.

        Raises:
            DemitasseError: the database is damaged there.
        """
        start = self.keys.start(record)
        try:
            iterator = self._iterator()
            iterator.seek(start)
            found: tuple[bytes, bytes] = next(iterator, (b"", b""))
            if not found[0].startswith(start):
                # An iterator passes over a damaged block without a word; a look-up does not.
                self._db.get(start, verify_checksums=True)
        except self._error as problem:
            (cause,) = problem.args
            text = cause.decode(errors="replace") if isinstance(cause, bytes) else cause
            raise DemitasseError(
                f"the database is damaged: {text}", f"{self._where}, key {start!r}"
            ) from problem
        if not found[0].startswith(start):
            raise DemitasseError(
                "there is no such record",
                f"{self._where}, key {start!r}",
                hint="if numbers are missing among the keys: source_param.on_bad_record: skip",
            )
        return found

    def _iterator(self) -> Any:
        """An iterator for this thread: they may not be shared, and cost more than a look-up."""
        if not hasattr(self._local, "iterator"):
            self._local.iterator = self._db.iterator(verify_checksums=True)
        return self._local.iterator


def import_plyvel(needed_for: str) -> Any:
    """The plyvel module.

    Raises:
        MissingDependency: it is not installed.
    """
    try:
        import plyvel
    except ImportError as problem:
        missing = MissingDependency("plyvel", "data", needed_for)
        if sys.version_info >= (3, 13):  # the extra leaves it out there
            missing.hint = (
                "plyvel-ci has no wheels for this Python; to read a LevelDB: "
                "pip install cramjam google-crc32c; to write one, Python 3.12, or an LMDB instead"
            )
        raise missing from problem
    return plyvel


def _fill_view(folder: Path, view: Path) -> int:
    """Fills the temporary folder; the size of the tables in bytes."""
    size = 0
    for path in folder.iterdir():
        if path.suffix in (".ldb", ".sst"):
            (view / path.name).symlink_to(path.resolve())
            size += path.stat().st_size
        elif path.is_file() and path.name not in ("LOCK", "LOG", "LOG.old"):
            shutil.copyfile(path, view / path.name)
    return size


def _refuse_locked(folder: Path) -> None:
    """Raises a DemitasseError if the database is open, in whatever process: it may be written."""
    try:
        import fcntl
    except ImportError:  # not on this system; the copies are then taken as they are
        return
    lock = folder / "LOCK"
    if not lock.is_file():
        return
    # A question of an open file's own, where the system has such, is answered for this process's
    # locks as well as for those of others.
    question = getattr(fcntl, "F_OFD_GETLK", fcntl.F_GETLK)
    try:
        descriptor = os.open(lock, os.O_RDONLY)
    except OSError:  # another user's; as above
        return
    try:
        # struct flock as Linux and LevelDB have it: type, whence, start, length, process.
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, 0, 0, 0, 0)
        kind, _, _, _, process = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, question, asked))
    except (OSError, struct.error):
        kind, process = fcntl.F_UNLCK, 0
    ours = process == os.getpid()
    if kind == fcntl.F_UNLCK or not ours:
        # To close one is to lose all the locks that this process has on the file.
        os.close(descriptor)
    if kind != fcntl.F_UNLCK:
        raise DemitasseError(
            "the database is locked",
            str(folder),
            "this process has it open" if ours else f"process {process} has it open",
            hint="close it first" if ours else "wait until that process has ended, or end it",
        )


def _hint(folder: Path) -> str:
    return "it looks like an LMDB: backend: LMDB" if (folder / "data.mdb").is_file() else ""
