"""New LevelDB databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.data.readers.leveldb import import_plyvel
from engine.data.writers.base import Writer

# As Caffe has them.
_OPTIONS = {"block_size": 1 << 16, "write_buffer_size": 1 << 28, "max_open_files": 100}


class LevelDbWriter(Writer):
    """Writes a LevelDB with Caffe's options."""

    def _open(self, folder: Path) -> None:
        self._folder, self._plyvel = folder, import_plyvel("writing LevelDB")
        self._db: Any = None
        self._start(create_if_missing=True, error_if_exists=True)

    def _start(self, **options: bool) -> None:
        try:
            self._db = self._plyvel.DB(str(self._folder), **_OPTIONS, **options)
        except self._plyvel.Error as problem:
            raise self.failed(problem) from problem

    def _commit(self, records: list[tuple[bytes, bytes]]) -> None:
        try:
            with self._db.write_batch(transaction=True) as batch:
                for key, value in records:
                    batch.put(key, value)
        except self._plyvel.Error as problem:
            raise self.failed(problem) from problem

    def finish(self) -> None:
        super().finish()
        # Opened once more, LevelDB moves the last records from its log into a table, where
        # readers find them without going through the log each time.
        self._start()
        self.close()

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
