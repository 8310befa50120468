"""New LMDB databases."""

from __future__ import annotations

from pathlib import Path

from engine.data.readers.lmdb import import_lmdb
from engine.data.writers.base import Writer
from layers.errors import DemitasseError

_FIRST_SIZE = 1 << 20  # bytes of the map at first: LMDB's default, as in Caffe, doubled when full
_LONGEST_KEY = 511


class LmdbWriter(Writer):
    """Writes an LMDB, page for page as Caffe does."""

    def _open(self, folder: Path) -> None:
        lmdb = import_lmdb("writing LMDB")
        self._error, self._full = lmdb.Error, lmdb.MapFullError
        try:
            # Nobody else knows the folder yet, so no lock; it is synced as a whole at the end.
            self._env = lmdb.open(
                str(folder), map_size=_FIRST_SIZE, max_dbs=0, sync=False, lock=False
            )
        except lmdb.Error as problem:
            raise self.failed(problem) from problem

    def put(self, key: bytes, value: bytes) -> None:
        if len(key) > _LONGEST_KEY:
            raise DemitasseError(
                "the key is too long for LMDB",
                f'{self.where}, key "{key.decode(errors="backslashreplace")}"',
                f"{len(key)} bytes",
                f"at most {_LONGEST_KEY}",
                "shorter paths, or --backend leveldb",
            )
        super().put(key, value)

    def _commit(self, records: list[tuple[bytes, bytes]]) -> None:
        try:
            while not self._put_all(records):
                self._env.set_mapsize(2 * self._env.info()["map_size"])
        except self._error as problem:
            raise self.failed(problem) from problem

    def _put_all(self, records: list[tuple[bytes, bytes]]) -> bool:
        """Writes the records in one transaction; False, and nothing written, if the map is full."""
        try:
            with self._env.begin(write=True) as transaction:
                for key, value in records:
                    transaction.put(key, value)
        except self._full:
            return False
        return True

    def close(self) -> None:
        self._env.close()
