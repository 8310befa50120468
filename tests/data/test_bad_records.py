"""Bad records: an error that names source, record and cause; or skipped, counted and logged."""

from __future__ import annotations

import logging
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from engine import TRAIN, LayerError
from engine.errors import MissingDependency
from engine.schema import Datum
from tests.harness.sources import (
    Source,
    datums,
    random_images,
    write_images,
    write_leveldb,
    write_lmdb,
)

pytest.importorskip("cv2")
IMAGES = random_images(7)
SKIP = 'source_param { on_bad_record: "skip" }'
DATA = 'type: "Data" data_param { source: "db" batch_size: 4 } '
LIST = 'type: "ImageData" image_data_param { source: "list.txt" root_folder: "i/" batch_size: 4 } '


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def image_list(suffix: str = ".png") -> list[str]:
    names = write_images(Path("i"), IMAGES, suffix)
    Path("list.txt").write_text("".join(f"{name} {n}\n" for n, name in enumerate(names)))
    return names


def refused(text: str, *messages: str, batches: int = 2) -> None:
    with pytest.raises(LayerError) as caught:
        Source(text).batches(batches)
    for message in messages:
        assert message in str(caught.value), str(caught.value)


def skipped(text: str, *bad: int, caplog: pytest.LogCaptureFixture) -> None:
    """The records, but for bad ones, whose place the next good one takes."""
    source = Source(text)
    with caplog.at_level(logging.WARNING, "demitasse"):
        labels = np.concatenate([batch[1] for batch in source.batches(7)])
    good = [n for n in range(7) if n not in bad]
    wanted = [min((g for g in good if g >= n), default=good[0]) for n in range(7)]
    np.testing.assert_array_equal(labels, (wanted * 4))
    assert source.layer.bad_records == len(bad)
    messages = [record.getMessage() for record in caplog.records]
    assert len([m for m in messages if "skipped bad record" in m]) == len(bad)


def datum_with(**fields: object) -> bytes:
    datum = Datum.FromString(datums(IMAGES)[b"00000003_3"])
    for name, value in fields.items():
        setattr(datum, name, value)
    return datum.SerializeToString()


BAD_DATUMS = [
    (b"\xff\xff\xffgarbage", "is not a Datum"),
    (b"", "shape and its number of values disagree"),
    (datum_with(data=b"123"), "got: shape (3, 8, 10) and 3 values"),
    (datum_with(data=b"123", encoded=True), "cannot be decoded as an image"),
    (datum_with(data=b"", encoded=True), "the image is empty"),
    (datum_with(channels=1, data=bytes(80)), "another number of channels"),
    (datum_with(height=4, data=bytes(120)), "record has another shape"),
    (datum_with(channels=-3), "got: shape (-3, 8, 10)"),
]


@pytest.mark.parametrize("value, message", BAD_DATUMS)
@pytest.mark.parametrize("write", [write_lmdb, write_leveldb])
def test_datums(value, message, write, caplog) -> None:
    write(Path("db"), datums(IMAGES) | {b"00000003_3": value})
    refused(DATA, message, 'db, key "00000003_3"', 'layer "source" (Data)')
    skipped(DATA + SKIP, 3, caplog=caplog)


def test_a_missing_package_is_no_bad_record(monkeypatch) -> None:
    write_lmdb(Path("db"), datums(IMAGES) | {b"00000003_3": datum_with(encoded=True)})
    source = Source(DATA + SKIP)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingDependency, match=r"pip install 'demitasse\[images\]'"):
        source.forward()


def test_a_bad_first_record_is_found_at_once(caplog) -> None:
    write_lmdb(Path("db"), datums(IMAGES) | {b"00000000_0": b"\xff"})
    refused(DATA, 'key "00000000_0"', batches=0)
    skipped(DATA + SKIP, 0, caplog=caplog)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_images(suffix, caplog) -> None:
    names = image_list(suffix)
    path = Path("i", names[5])
    path.write_bytes(path.read_bytes()[:-20])
    refused(LIST, "the image is truncated", f'list.txt:6, image "{names[5]}"')
    skipped(LIST + SKIP, 5, caplog=caplog)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(b""), "the image is empty"),
        (lambda path: path.write_text("not an image"), "starts with 6e 6f 74 20"),
        (lambda path: write_images(path.parent / "x", random_images(1, (3, 4, 4))), ""),
    ],
)
def test_image_files(change, message, caplog) -> None:
    names = image_list()
    path = Path("i", names[2])
    change(path)
    if not message:
        Path("i", "x", "img 0.png").replace(path)
        message = "record has another shape"
    refused(LIST, message, f'list.txt:3, image "{names[2]}"')
    skipped(LIST + SKIP, 2, caplog=caplog)


@pytest.mark.parametrize(
    "line, message",
    [
        ("img 4.png cat", 'label is not a number\n  got: "cat"'),
        ("img 4.png nan", "label is not a number"),
        ("img4.png", "line is too short"),
    ],
)
def test_lines_of_lists(line, message, caplog) -> None:
    image_list()
    lines = Path("list.txt").read_text().splitlines()
    Path("list.txt").write_text("\n".join([*lines[:4], line, *lines[5:]]))
    refused(LIST, message, "list.txt:5", batches=0)
    skipped(LIST + SKIP, 4, caplog=caplog)


@pytest.mark.parametrize(
    "line, message",
    [
        ("1,2,x,4", '"c": the value is not a number\n  got: "x"'),
        ("1,2,inf,4", "value is not a number"),
        ("1,2,3", "another length\n  got: 3 columns\n  expected: 4"),
        ("1,,3,4", "value is not a number"),
    ],
)
def test_rows_of_tables(line, message, caplog) -> None:
    rows = [f"{n},1,2,{n}" for n in range(7)]
    Path("t.csv").write_text("\n".join(["a,b,c,d", *rows[:3], line, *rows[4:]]))
    text = 'type: "CSVData" csv_data_param { source: "t.csv" batch_size: 4 label_column: "d" } '
    refused(text, message, "t.csv:5", batches=0)
    skipped(text + SKIP, 3, caplog=caplog)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e300])
def test_labels_of_arrays(bad, caplog) -> None:
    np.save("x.npy", IMAGES)
    np.save("y.npy", np.where(np.arange(7) == 2, bad, np.arange(7)))
    arrays = 'type: "ArrayData" array_data_param { source: "x.npy" label_source: "y.npy" '
    arrays += "batch_size: 4 } "
    refused(arrays, "x.npy, record 2: the label is not a number", f"got: {bad}")
    skipped(arrays + SKIP, 2, caplog=caplog)


@pytest.mark.parametrize("write", [write_lmdb, write_leveldb])
def test_float_labels_of_datums(write, caplog) -> None:
    made = {}
    for number, (key, value) in enumerate(datums(IMAGES).items()):
        datum = Datum.FromString(value)
        datum.float_label.append(np.nan if number == 3 else number)
        made[key] = datum.SerializeToString()
    write(Path("db"), made)
    refused(DATA, 'db, key "00000003_3": the label is not a number', "got: nan")
    skipped(DATA + SKIP, 3, caplog=caplog)


def hdf5() -> str:
    """A list of files of 3, 2 and 2 rows."""
    h5py = pytest.importorskip("h5py")
    for name, rows in (("a", slice(0, 3)), ("b", slice(3, 5)), ("c", slice(5, 7))):
        with h5py.File(f"{name}.h5", "w") as file:
            label = np.arange(7)[rows]
            file["data"], file["label"] = IMAGES[rows], label
    Path("list.txt").write_text("a.h5 b.h5 c.h5")
    return 'type: "HDF5Data" hdf5_data_param { source: "list.txt" batch_size: 4 } '


def delete_label(path: Path) -> None:
    import h5py

    with h5py.File(path, "a") as file:
        del file["label"]


@pytest.mark.parametrize("name", "abc")
@pytest.mark.parametrize(
    "change, message",
    [
        (Path.unlink, "b.h5"),
        (delete_label, 'b.h5: there is no dataset "label"'),
        (lambda path: path.write_bytes(b"garbage"), "b.h5: cannot be read as HDF5"),
    ],
)
def test_files_of_hdf5(name, change, message, caplog) -> None:
    text = hdf5()
    change(Path(f"{name}.h5"))
    refused(text, message.replace("b.h5", f"{name}.h5"), batches=0)
    with caplog.at_level(logging.WARNING, "demitasse"):
        source = Source(text + SKIP)
    rows = {"a": range(3), "b": (3, 4), "c": (5, 6)}[name]
    good = [row for row in range(7) if row not in rows]
    labels = np.concatenate([batch[1] for batch in source.batches(5)])
    np.testing.assert_array_equal(labels, (good * 5)[:20])
    assert source.layer.bad_records == 1 and "skipped bad record 1" in caplog.text
    refused(text + SKIP.replace("}", "max_bad_records: 0 }"), "more than 0 bad records", batches=0)


def test_rows_of_hdf5_that_cannot_be_read(caplog) -> None:
    h5py = pytest.importorskip("h5py")
    text = hdf5()
    with h5py.File("b.h5", "w") as file:
        file["label"] = np.array([3.0, 4.0])
        file.create_dataset("data", data=IMAGES[3:5], chunks=(2, 3, 8, 10), fletcher32=True)
    held = Path("b.h5").read_bytes()
    Path("b.h5").write_bytes(held.replace(IMAGES[3, 0, 0, :6].tobytes(), b"damage"))
    refused(text, "b.h5: cannot be read as HDF5")
    skipped(text + SKIP, 3, 4, caplog=caplog)


def test_hdf5_without_one_good_file() -> None:
    text = hdf5()
    for name in "abc":
        delete_label(Path(f"{name}.h5"))
    refused(text + SKIP, 'a.h5: there is no dataset "label"', batches=0)


def test_windows(caplog) -> None:
    image_list()
    lines = ["# 0 i/img_0.png 3 8 10 4", "1 x 0 0 4 4", "1 0.9 0 0 4 4", "0 0.1 1 1 6 6"]
    lines += ["0 0.9 0 0 4 4", "# 1 i/img_1.png 3 8 10 2", "2 0.9 0 0 5 5", "0 0.1 1 1 6 6"]
    Path("w.txt").write_text("\n".join(lines))
    for number in range(2):
        Path(f"i/img {number}.png").rename(f"i/img_{number}.png")
    text = 'type: "WindowData" window_data_param { source: "w.txt" batch_size: 4 fg_fraction: 0.5 }'
    text += " transform_param { crop_size: 6 } "
    refused(text, "w.txt:2: the value is not a number", 'got: "x"', batches=0)
    assert Source(text + SKIP).layer.bad_records == 2
    # One background and one object are left, neither of which takes the other's place.
    Path("i/img_1.png").unlink()
    labels = {tuple(label) for _, label in Source(text + SKIP).batches(9)}
    assert labels == {(0, 0, 1, 1)}


@pytest.mark.parametrize("workers", [0, 1, 2, 5])
def test_more_than_the_limit_end_the_run(workers) -> None:
    bad = {b"%08d_%d" % (n, n): b"\xff" for n in (1, 3, 5)}
    write_lmdb(Path("db"), datums(IMAGES) | bad)
    options = 'source_param { on_bad_record: "skip" max_bad_records: %d workers: %d }'
    allowed = Source(DATA + options % (3, workers))
    allowed.batches(4)
    assert allowed.layer.bad_records == 3
    ended = Source(DATA + options % (2, workers))
    # 0, 1, 2 and 3, with 2 and 4 in the places of 1 and 3; the third bad one is in the next batch.
    np.testing.assert_array_equal(ended.forward()[1], [0, 2, 2, 4])
    for _ in range(3):  # and again, however often it is asked
        with pytest.raises(LayerError) as caught:
            ended.forward()
        assert "more than 2 bad records; the last is: the record is not a Datum" in str(
            caught.value
        )
        assert 'key "00000005_5"' in str(caught.value)
    assert ended.layer.position == 4 and ended.layer.bad_records == 2


def test_too_many_in_one_batch_are_not_all_read() -> None:
    write_lmdb(Path("db"), dict.fromkeys(datums(IMAGES), b"\xff"))
    limit = 'source_param { on_bad_record: "skip" max_bad_records: 2 }'
    refused(DATA + limit, "more than 2 bad records", 'key "00000002_2"', batches=0)


def test_nothing_but_bad_records() -> None:
    write_lmdb(Path("db"), dict.fromkeys(datums(IMAGES), b"\xff"))
    refused(DATA + SKIP, "no record of the source is good")


def test_skipping_is_the_same_with_any_number_of_workers() -> None:
    write_lmdb(Path("db"), datums(IMAGES) | {b"00000002_2": b"\xff"})
    options = 'source_param { on_bad_record: "skip" shuffle: true workers: %d } '
    options += "transform_param { crop_size: 3 mirror: true }"
    runs = [Source(DATA + options % n, phase=TRAIN).batches(9) for n in (0, 1, 3)]
    for run in runs[1:]:
        for ours, theirs in zip(run, runs[0], strict=True):
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(one, other)


def test_empty_sources() -> None:
    Path("list.txt").write_text("\n \n")
    refused(LIST, "lists no images")
    Path("e").mkdir()
    text = 'type: "ImageFolder" image_folder_param { source: "e" batch_size: 1 }'
    refused(text, "no folders of classes")
    Path("e/cat").mkdir()
    refused(text, "holds no images", "cat")
    Path("t.csv").write_text("a,b\n")
    table = 'type: "CSVData" csv_data_param { source: "t.csv" batch_size: 4 label_column: "b" }'
    refused(table, "no rows")
    write_lmdb(Path("l"), {})
    refused('type: "Data" data_param { source: "l" batch_size: 4 backend: LMDB }', "no records")
    write_leveldb(Path("v"), {})
    refused('type: "Data" data_param { source: "v" batch_size: 4 backend: LEVELDB }', "no records")


def test_an_error_comes_at_its_own_batch() -> None:
    write_lmdb(Path("db"), datums(IMAGES) | {b"00000006_6": b"\xff"})
    before = set(threading.enumerate())
    for workers in (0, 2):
        source = Source(DATA + f"source_param {{ workers: {workers} }}")
        np.testing.assert_array_equal(source.forward()[1], [0, 1, 2, 3])
        for _ in range(2):  # and again, however often it is asked
            with pytest.raises(LayerError, match="00000006_6"):
                source.forward()
        assert source.layer.position == 4
        source.layer.close()
    assert set(threading.enumerate()) <= before
