"""Databases: found by number, opened without being touched, refused with a reason."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, LayerError, Net
from engine.data.readers.keys import ListedKeys, NumberedKeys
from engine.data.readers.leveldb import open_leveldb
from engine.data.readers.lmdb import open_lmdb
from engine.schema import Datum
from tests.harness.sources import Source, datums, random_images, write_leveldb, write_lmdb

WRITE = {"LMDB": write_lmdb, "LEVELDB": write_leveldb}
OPEN = {"LMDB": open_lmdb, "LEVELDB": open_leveldb}
IMAGES = random_images(5)
both = pytest.mark.parametrize("backend", WRITE)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def data(backend: str = "", more: str = "") -> str:
    backend = f"backend: {backend}" if backend else ""
    return f'type: "Data" data_param {{ source: "db" batch_size: 5 {backend} {more} }}'


@both
@pytest.mark.parametrize(
    "keys, kind",
    [
        ([b"%08d_x" % n for n in range(12)], NumberedKeys),
        ([b"%010d" % n for n in range(12)], NumberedKeys),
        ([b"%08d" % (n + 3) for n in range(12)], ListedKeys),
        ([bytes([n]) * (n + 1) + b"\0" for n in range(12)], ListedKeys),
    ],
)
def test_any_keys_in_their_order(backend, keys, kind):
    WRITE[backend](Path("db"), {key: b"value of " + key for key in reversed(keys)})
    database = OPEN[backend](Path("db"))
    assert isinstance(database.keys, kind) and len(database.keys) == 12
    for record in (*range(12), 3):
        assert database.item(record) == (keys[record], b"value of " + keys[record])


@both
def test_gaps_in_the_numbers(backend):
    WRITE[backend](Path("db"), {b"%08d" % n: b"" for n in (0, 1, 4)})
    database = OPEN[backend](Path("db"))
    assert [database.item(n)[0][-1:] for n in range(3)] == [b"0", b"1", b"4"]


def test_large_leveldbs_are_not_listed(monkeypatch):
    monkeypatch.setattr("engine.data.readers.leveldb._LISTED_BYTES", -1)
    write_leveldb(
        Path("db"), {key: value for n, (key, value) in enumerate(datums(IMAGES).items()) if n != 2}
    )
    assert len(open_leveldb(Path("db")).keys) == 5
    with pytest.raises(LayerError, match="no such record\n  hint: if numbers are missing"):
        Source(data("LEVELDB")).forward()
    skip = 'source_param { on_bad_record: "skip" }'
    np.testing.assert_array_equal(Source(data("LEVELDB") + skip).forward()[1], [0, 1, 3, 3, 4])


@both
def test_without_a_backend_the_folder_says_what_it_is(backend):
    WRITE[backend](Path("db"), datums(IMAGES))
    np.testing.assert_array_equal(Source(data()).forward()[0], IMAGES)


@pytest.mark.parametrize("source", ["db", "db/data.mdb"])
def test_an_lmdb_is_found_from_the_configs_folder(source):
    Path("configs").mkdir()
    write_lmdb(Path("configs/db"), datums(IMAGES))
    text = data("LMDB").replace('"db"', f'"{source}"')
    Path("configs/net.prototxt").write_text(f'layer {{ name: "d" top: "data" {text} }}')
    np.testing.assert_array_equal(Net("configs/net.prototxt").forward()["data"], IMAGES)


@both
def test_a_database_is_not_touched(backend, tmp_path):
    WRITE[backend](Path("db"), datums(IMAGES))
    Path("db/lock.mdb").unlink(missing_ok=True)
    before = {path.name: path.read_bytes() for path in Path("db").iterdir()}
    for path in (*Path("db").iterdir(), Path("db")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    first, second = Source(data(backend)), Source(data(backend))
    np.testing.assert_array_equal(first.forward()[0], second.forward()[0])
    del first, second
    gc.collect()
    assert {path.name: path.read_bytes() for path in Path("db").iterdir()} == before
    Path("db").chmod(0o755)


def test_a_leveldb_whose_records_are_in_its_log_only():
    write_leveldb(Path("db"), {b"%08d" % n: bytes([n]) for n in range(3)})
    assert not list(Path("db").glob("*.ldb"))
    assert open_leveldb(Path("db")).item(2)[1] == b"\2"


@pytest.mark.parametrize(
    "backend, make, messages",
    [
        ("LMDB", write_leveldb, ["not an LMDB", "hint: it looks like a LevelDB"]),
        ("LEVELDB", write_lmdb, ["not a LevelDB", "hint: it looks like an LMDB"]),
        ("LMDB", lambda path, _: path.mkdir(), ["not an LMDB", "without data.mdb"]),
        ("LEVELDB", lambda path, _: path.mkdir(), ["not a LevelDB", "without CURRENT"]),
        ("LMDB", lambda path, _: path.write_text("x"), ["is not a folder"]),
        ("LMDB", lambda path, _: None, ['there is no folder "db"']),
    ],
)
def test_what_is_no_such_database(backend, make, messages):
    make(Path("db"), datums(IMAGES))
    with pytest.raises(LayerError) as caught:
        Source(data(backend))
    for message in messages:
        assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\0" * 9000, b"garbage" * 3000])
def test_an_lmdb_of_garbage(content):
    Path("db").mkdir()
    Path("db/data.mdb").write_bytes(content)
    with pytest.raises(LayerError, match="cannot be read as LMDB"):
        Source(data("LMDB"))


def test_a_leveldb_of_garbage():
    write_leveldb(Path("db"), datums(IMAGES))
    next(Path("db").glob("MANIFEST*")).write_bytes(b"garbage" * 100)
    with pytest.raises(LayerError, match="db: cannot be read as LevelDB: (?!.*demitasse_)"):
        Source(data("LEVELDB"))


def test_a_leveldb_that_another_process_has_open():
    write_leveldb(Path("db"), datums(IMAGES))
    program = "import plyvel; d = plyvel.DB('db'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(LayerError, match=f"locked\n  got: process {other.pid} has it open"):
            Source(data("LEVELDB"))
        other.communicate("\n")
    Source(data("LEVELDB")).forward()


def test_a_leveldb_that_this_process_has_open():
    plyvel = pytest.importorskip("plyvel")
    held = plyvel.DB("db", create_if_missing=True)
    with pytest.raises(LayerError, match="locked\n  got: this process has it open"):
        Source(data("LEVELDB"))
    # Still locked: to have asked must not have let go.
    program = "import plyvel; plyvel.DB('db')"
    assert subprocess.run([sys.executable, "-c", program], stderr=subprocess.DEVNULL).returncode
    held.close()
    write_leveldb(Path("db"), datums(IMAGES))
    Source(data("LEVELDB")).forward()


@both
def test_float_data_and_float_labels(backend):
    values = np.random.default_rng(0).normal(size=(5, 2, 1, 3)).astype("f4")
    made = {}
    for number, value in enumerate(values):
        datum = Datum(channels=2, height=1, width=3, float_data=value.ravel())
        datum.float_label[:] = [number, 0.5]
        made[b"%010d" % number] = datum.SerializeToString()
    WRITE[backend](Path("db"), made)
    got, label = Source(data(backend)).forward()
    np.testing.assert_array_equal(got, values)
    np.testing.assert_array_equal(label, [[n, 0.5] for n in range(5)])


def test_a_batch_of_one_has_the_shape_of_its_sample():
    made = datums(IMAGES) | {b"00000005_5": datums(random_images(1, (3, 4, 9)))[b"00000000_0"]}
    write_lmdb(Path("db"), made)
    source = Source('type: "Data" data_param { source: "db" batch_size: 1 backend: LMDB }')
    shapes = [batch[0].shape for batch in source.batches(7)]
    assert shapes == [(1, 3, 8, 10)] * 5 + [(1, 3, 4, 9), (1, 3, 8, 10)]


def test_encoded_images_in_colour_and_grey():
    cv2 = pytest.importorskip("cv2")
    image = np.ascontiguousarray(IMAGES[0].transpose(1, 2, 0))
    png = cv2.imencode(".png", image)[1].tobytes()
    write_lmdb(Path("db"), {b"00000000": Datum(data=png, encoded=True).SerializeToString()})
    force = "transform_param { force_%s: true }"
    (batch,) = Source(data("LMDB"), ("data",)).forward()
    np.testing.assert_array_equal(batch, np.repeat(IMAGES[:1], 5, axis=0))
    (grey,) = Source(data("LMDB") + force % "gray", ("data",)).forward()
    np.testing.assert_allclose(grey[0, 0], cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), atol=1)
    with pytest.raises(LayerError, match="both force_color and force_gray"):
        Source(data("LMDB") + "transform_param { force_gray: true force_color: true }")


@pytest.mark.parametrize("module, backend", [("lmdb", "LMDB"), ("plyvel", "LEVELDB")])
def test_missing_packages_are_named(module, backend, monkeypatch):
    WRITE[backend](Path("db"), datums(IMAGES))
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("engine.data.readers.leveldb.find_spec", lambda name: None)
    from engine.errors import MissingDependency

    with pytest.raises(MissingDependency, match=r"pip install 'demitasse\[data\]'"):
        Source(data(backend))


def test_temporary_folders_go_away(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "t"))
    Path("t").mkdir()
    write_leveldb(Path("db"), datums(IMAGES))
    source = Source(data("LEVELDB"))
    source.forward()
    assert len(list(Path("t").iterdir())) == 1
    source.layer.close()
    del source
    gc.collect()
    assert not list(Path("t").iterdir())
    shutil.rmtree("db")


def test_a_damaged_block_of_a_leveldb_is_told():
    WRITE["LEVELDB"](Path("db"), {b"%08d" % n: bytes([n]) * 100 for n in range(20)})
    import plyvel

    plyvel.DB("db").close()  # now the records are in a table
    (table,) = Path("db").glob("*.ldb")
    held = bytearray(table.read_bytes())
    held[len(held) // 3] ^= 0xFF
    table.write_bytes(held)
    with pytest.raises(DemitasseError, match="the database is damaged: Corruption: "):
        OPEN["LEVELDB"](Path("db")).item(3)


def test_what_a_database_library_says_in_bytes(tmp_path):
    from engine.data.writers.lmdb import LmdbWriter

    writer = LmdbWriter(tmp_path, "db")
    said = str(writer.failed(OSError(b"IO error: No space left on device")))
    writer.close()
    assert "database: IO error: No space left on device" in said
