"""The reader of LevelDB's files finds what LevelDB itself finds, or says that a file is damaged."""

from __future__ import annotations

import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, LayerError
from engine.data.readers.leveldb import open_leveldb
from tests.harness.sources import Source, datums, random_images, write_leveldb

for package in ("cramjam", "google_crc32c"):
    pytest.importorskip(package)

from engine.data.readers.leveldb_tables import LevelTables  # noqa: E402  (needs both)

GOLDEN = Path(__file__).parents[3] / "shared" / "caffe_golden" / "files"


def items(database) -> list[tuple[bytes, bytes]]:
    return [database.item(record) for record in range(len(database.keys))]


def grow(folder: Path, seed: int) -> list[tuple[bytes, bytes]]:
    """A database with a past: values overwritten and deleted, in tables and in the log."""
    plyvel = pytest.importorskip("plyvel")
    rng = random.Random(seed)
    compression = rng.choice(["snappy", None])
    size = rng.choice([4096, 65536])
    database = plyvel.DB(
        str(folder), create_if_missing=True, write_buffer_size=size, compression=compression
    )
    for _ in range(rng.choice([5, 100, 900])):
        key = b"%08d" % rng.randrange(300)
        action = rng.random()
        if action < 0.2:
            database.delete(key)
        elif action < 0.3:
            with database.write_batch() as batch:
                for _ in range(10):
                    batch.put(b"%08d" % rng.randrange(300), rng.randbytes(40))
        else:
            database.put(key, rng.choice([rng.randbytes(900), b"a" * rng.randrange(40_000)]))
        if rng.random() < 0.005:
            database.compact_range()
    database.put(b"", b"the empty key")
    held = list(database)
    database.close()
    return held


@pytest.mark.parametrize("seed", range(8))
def test_what_leveldb_holds(seed: int, tmp_path: Path) -> None:
    held = grow(tmp_path / "db", seed)
    assert items(LevelTables(tmp_path / "db")) == held


@pytest.mark.parametrize("case", ["db_leveldb_raw_gray", "db_leveldb_png_encoded"])
def test_databases_that_caffe_wrote(case: str) -> None:
    found = [path.parent for path in (GOLDEN / case).rglob("CURRENT")]
    if not found:
        pytest.skip("Caffe's files are not here")
    pytest.importorskip("plyvel")
    assert items(LevelTables(found[0])) == items(open_leveldb(found[0]))


def test_a_net_reads_it_without_plyvel(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    images = random_images(7)
    write_leveldb(Path("db"), datums(images))
    monkeypatch.setitem(sys.modules, "plyvel", None)
    text = 'type: "Data" data_param { source: "db" batch_size: 7 } '
    data, labels = Source(text + "source_param { shuffle: true workers: 3 }").forward()
    np.testing.assert_array_equal(data, images[labels.astype(int)])
    # Another folder, because the threads of the first source may still have theirs open.
    shutil.copytree("db", "damaged")
    next(Path("damaged").glob("MANIFEST*")).write_bytes(b"garbage" * 100)
    with pytest.raises(LayerError, match="damaged: cannot be read as LevelDB: "):
        Source(text.replace('"db"', '"damaged"'))


@pytest.mark.parametrize("seed", [1, 2])
def test_damage_is_found(seed: int, tmp_path: Path) -> None:
    held = grow(tmp_path / "db", seed)
    rng = random.Random(seed)
    files = [p for p in (tmp_path / "db").iterdir() if p.name[:3] not in ("LOC", "LOG")]
    refused = 0
    for _ in range(120):
        path = rng.choice(files)
        before = path.read_bytes()
        after = bytearray(before)
        after[rng.randrange(len(after)) :] = rng.randbytes(rng.randrange(3))
        if rng.random() < 0.7:
            after = bytearray(before)
            for _ in range(rng.randrange(1, 4)):
                after[rng.randrange(len(after))] ^= 1 << rng.randrange(8)
        path.write_bytes(after)
        try:
            found = items(LevelTables(tmp_path / "db"))
        except DemitasseError:
            refused += 1
        else:
            # Bytes that mean nothing, or the end of a log that a crash may have cut.
            assert found == held or path.suffix == ".log" or path.name.startswith("MANIFEST")
        path.write_bytes(before)
    assert refused > 60
