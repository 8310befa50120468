"""`demitasse inspect`: what it says of every kind of source, and the sheets it draws."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.schema import Datum
from tests.harness.places import ROOT, SHARED, needs_shared
from tests.harness.sources import datums, random_images, write_images, write_leveldb, write_lmdb
from tools import cli

IMAGES = random_images(6)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.main(["inspect", *arguments]) == code
    out, err = capsys.readouterr()
    assert (err if code == 0 else "") == ""
    return err if code == 2 else out


def facts(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> dict:
    return json.loads(told(capsys, *arguments, "--json", code=code))


def make(kind: str) -> str:
    """A source of the images, with labels 0 0 1 1 2 2; its name."""
    labels = [number // 2 for number in range(6)]
    if kind in ("lmdb", "leveldb"):
        write = {"lmdb": write_lmdb, "leveldb": write_leveldb}[kind]
        write(Path(kind), datums(IMAGES, labels))
    elif kind == "encoded":
        write_lmdb(Path(kind), {b"00000000": Datum(data=b"any", encoded=True).SerializeToString()})
    elif kind == "folder":
        for name, start in (("ant", 0), ("bee", 2), ("cow", 4)):
            write_images(Path("folder", name), IMAGES[start : start + 2])
    elif kind == "list.txt":
        names = write_images(Path("images"), IMAGES)
        pairs = zip(names, labels, strict=True)
        Path("list.txt").write_text("".join(f"images/{name} {label}\n" for name, label in pairs))
    elif kind == "arrays.npz":
        np.savez("arrays.npz", images=IMAGES, labels=labels)
    elif kind == "images.npy":
        np.save("images.npy", IMAGES)
        np.save("labels.npy", np.array(labels))
    else:
        h5py = pytest.importorskip("h5py")
        for name, part in (("a.h5", slice(0, 4)), ("b.h5", slice(4, 6))):
            with h5py.File(name, "w") as file:
                file["data"], file["label"] = IMAGES[part], labels[part]
        Path("files.txt").write_text("a.h5\nb.h5\n")
    return kind


@pytest.mark.parametrize(
    "kind",
    ["lmdb", "leveldb", "folder", "list.txt", "arrays.npz", "images.npy", "files.txt"],
)
def test_the_same_figures_of_every_source(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("cv2", "lmdb", "plyvel"):
        pytest.importorskip(package)
    found = facts(capsys, make(kind))
    assert found["source"] == kind and found["records"] == 6 and found["bad_records"] == []
    assert found["shapes"] == [{"shape": [3, 8, 10], "count": 6}]
    assert found["labels"] == {"0": 2, "1": 2, "2": 2} and found["label_values"]["mean"] == 1
    wide = IMAGES.astype(float)
    truth = {"min": wide.min(), "max": wide.max(), "mean": wide.mean(), "std": wide.std()}
    assert found["values"] == pytest.approx({**truth, "not_finite": 0})
    for channel, values in enumerate(found["channels"]["3"]):
        assert values["mean"] == pytest.approx(wide[:, channel].mean())
    assert found["stored"] == ({"raw bytes": 6} if kind in ("lmdb", "leveldb") else {})


def test_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    page = told(capsys, make("folder"))
    assert page.startswith("source   folder: images in folders of classes\nrecords  6\n")
    assert "shape    3x8x10\ntype     uint8\n" in page and "channel R " in page
    assert f"1 bee        2  33.3 %  {'#' * 40}\n" in page


def test_digits_with_their_labels_beside_them(capsys: pytest.CaptureFixture[str]) -> None:
    source = ROOT / "configs" / "mnist" / "digits" / "t10k-images-idx3-ubyte.gz"
    page = told(capsys, str(source), "--limit", "500")
    assert "labels from t10k-labels-idx1-ubyte.gz" in page
    assert "records  500 looked at, of 1,000" in page and "channel" not in page


def test_windows(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    write_images(Path("images"), IMAGES)
    Path("images/img 0.png").rename("images/0.png")
    windows = ["2 0.9 0 0 4 5", "3 0.1 1 1 6 4", "1 0.6 2 2 3 3"]
    Path("w.txt").write_text("\n".join(["# 0 0.png 3 8 10 3", *windows]))
    found = facts(capsys, "w.txt", "--root", "images")
    assert found["records"] == 3 and found["labels"] == {"0": 1, "1": 1, "2": 1}
    assert sorted(entry["shape"] for entry in found["shapes"]) == [[3, 2, 2], [3, 4, 6], [3, 6, 5]]
    Path("w.txt").write_text("# 0 0.png 3 8 10 1 1 0.9 0 0 4 8")
    out = told(capsys, "w.txt", "--root", "images", code=1)
    assert "the window does not lie in its image" in out
    Path("w.txt").write_text("# 0 0.png 3 8 10 1 1 0.9 0 x 4 8")
    assert 'w.txt:1: the value is not a number\n  got: "x"' in told(capsys, "w.txt", code=2)


@needs_shared
def test_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    source = str(SHARED / "data" / "small" / "digits.csv.gz")
    found = facts(capsys, source, "--label-column", "-1")
    assert found["records"] == sum(found["labels"].values()) == 1797
    assert found["values"]["max"] == 16 and found["shapes"] == [{"shape": [64], "count": 1797}]
    assert "labels   none" in told(capsys, source)


def test_labels_that_are_no_classes(capsys: pytest.CaptureFixture[str]) -> None:
    Path("t.csv").write_text("a,b,c\n1,2,0.5\n3,4,0.25\n")
    assert facts(capsys, "t.csv", "--label-column=c")["labels"] is None
    assert "from 0.25 to 0.5, mean 0.375" in told(capsys, "t.csv", "--label-column=c")


def test_encoded_floats_and_bad_records(capsys: pytest.CaptureFixture[str]) -> None:
    cv2 = pytest.importorskip("cv2")
    file = cv2.imencode(".png", IMAGES[0].transpose(1, 2, 0))[1].tobytes()
    values = {
        b"0": Datum(data=file, encoded=True),
        b"1": Datum(channels=1, height=1, width=2, float_data=[0.5, float("nan")]),
        b"2": Datum(channels=1, height=2, width=2, data=b"abc"),
    }
    write_lmdb(Path("db"), {key: datum.SerializeToString() for key, datum in values.items()})
    found = facts(capsys, "db", code=1)
    assert found["stored"] == {"encoded, PNG": 1, "floats": 1}
    assert found["values"]["not_finite"] == 1 and len(found["shapes"]) == 2
    assert 'key "2": the Datum is damaged' in found["bad_records"][0]["error"]
    page = told(capsys, "db", code=1)
    assert "1 bad records:\n" in page and "1 values are infinite or NaN" in page


def read_png(path: str) -> np.ndarray:
    cv2 = pytest.importorskip("cv2")
    return cv2.imread(path)


def test_a_sheet_shows_the_images_in_their_colours(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    images = np.zeros((3, 3, 4, 4), np.uint8)
    images[:, 0] = 255
    write_lmdb(Path("db"), datums(images, [7, 8, 9]))
    assert "sheet.png: 3 images" in told(capsys, "db", "-o", "sheet.png")
    told(capsys, "db", "-o", "red.png", "--rgb")
    for name, channel in (("sheet.png", 0), ("red.png", 2)):
        sheet = read_png(name)
        colour = np.zeros(3)
        colour[channel] = 255
        share = (sheet == colour).all(axis=2).mean()
        ink = (sheet < 128).all(axis=2).sum()
        assert 0.5 < share < 0.95 and ink > 20, name  # three squares, and digits below them


def test_a_sheet_of_classes_with_strange_names(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    for name in (b"$_", b"caf\xe9", "\u732b".encode()):
        write_images(Path("folder/new"), IMAGES[:1])
        Path("folder/new").rename(Path("folder", os.fsdecode(name)))
    assert "a.png: 3 images" in told(capsys, "folder", "-o", "a.png")


def test_sheets_of_rows_floats_and_random_records(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    np.save("rows.npy", np.linspace(-1, 1, 10 * 9).reshape(10, 9))
    told(capsys, "rows.npy", "-o", "a.png", "--images", "4")
    told(capsys, "rows.npy", "-o", "b.png", "--images", "4", "--shuffle")
    one, other = read_png("a.png"), read_png("b.png")
    assert one.shape == other.shape and (one != other).any()


REFUSED = {
    "nothing": (["no"], "there is no such source of data"),
    "text": (["a.txt"], "this is no source of data"),
    "binary": (["w.caffemodel"], "this is no source of data"),
    "empty file": (["empty.h5"], "error: empty.h5: the file is empty"),
    "empty folder": (["empty"], "there are no folders of classes"),
    "one image": (["images/img 0.png"], "this is one image"),
    "several arrays": (["several.npz"], "--key NAME"),
    "few labels": (["images.npy", "--labels", "few.npy"], "as many labels as samples"),
    "no pictures": (["rows.npy", "-o", "a.png"], "the samples are no pictures"),
    "form": (["images.npy", "-o", "a.gif"], "no form of picture"),
    "too many": (["images.npy", "-o", "a.png", "--images", "4000"], "too many --images"),
    "limit": (["images.npy", "--limit", "0"], "--limit must be above 0"),
    "column": (["t.csv", "--label-column", "speces"], 'did you mean "species"?'),
}


@pytest.mark.parametrize("name", REFUSED)
def test_failures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("cv2")
    Path("empty").mkdir()
    Path("empty.h5").touch()
    Path("a.txt").write_text("hello\nworld\n")
    Path("t.csv").write_text("a,species\n1,2\n")
    Path("w.caffemodel").write_bytes(b"\n\x05LeNet\xc0\x00" * 50)
    write_images(Path("images"), IMAGES[:1])
    np.savez("several.npz", one=IMAGES, two=IMAGES)
    np.save("rows.npy", np.zeros((3, 7)))
    np.save("few.npy", np.zeros(3))
    make("images.npy")
    arguments, words = REFUSED[name]
    error = told(capsys, *arguments, code=2)
    assert words in error and error.startswith("error: ") and not Path("a.png").exists()


@pytest.mark.parametrize(
    "package, extra, arguments",
    [
        ("matplotlib", "plot", ["images.npy", "-o", "a.png"]),
        ("lmdb", "data", ["lmdb"]),
        ("h5py", "data", ["files.txt"]),
        ("cv2", "images", ["folder"]),
        ("cv2", "images", ["encoded"]),
    ],
)
def test_packages_that_are_missing(
    package: str,
    extra: str,
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip(package)
    make(arguments[0])
    monkeypatch.setitem(sys.modules, package, None)
    error = told(capsys, *arguments, code=2)
    assert f'the package "{package}" is needed' in error and f"demitasse[{extra}]" in error
