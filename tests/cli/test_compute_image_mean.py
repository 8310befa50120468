"""`demitasse compute_image_mean`: Caffe's mean files, byte for byte, and its digits."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine.blob_io import read_blob
from engine.schema import BlobProto, Datum
from tests.harness.places import SHARED, needs_shared
from tests.harness.sources import datums, random_images, write_images, write_leveldb, write_lmdb
from tools import cli

FILES = SHARED / "caffe_golden" / "files"
IMAGES = random_images(5)
MEAN = IMAGES.mean(axis=0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compute(*arguments: str) -> int:
    return cli.main(["compute_image_mean", *arguments])


def written(path: str = "mean.binaryproto") -> np.ndarray:
    return read_blob(BlobProto.FromString(Path(path).read_bytes()))


@needs_shared
@pytest.mark.parametrize(
    "case", sorted(path.name for path in FILES.glob("db_*")) if FILES.is_dir() else []
)
def test_equals_caffes_file_and_log(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    backend = case.split("_")[1]
    pytest.importorskip({"lmdb": "lmdb", "leveldb": "plyvel"}[backend])
    pytest.importorskip("cv2")
    place = FILES / case
    assert compute("-backend", backend, str(place / "db"), "mean.binaryproto") == 0
    assert Path("mean.binaryproto").read_bytes() == (place / "mean.binaryproto").read_bytes()
    pattern = r"mean_value channel .*"
    told = re.findall(pattern, (place / "compute_image_mean.log").read_text())
    assert re.findall(pattern, capsys.readouterr().out) == told and told


def test_every_source_of_images(capsys: pytest.CaptureFixture[str]) -> None:
    for package in ("cv2", "lmdb", "plyvel"):
        pytest.importorskip(package)
    write_lmdb(Path("lmdb"), datums(IMAGES))
    write_leveldb(Path("leveldb"), datums(IMAGES))
    names = write_images(Path("folder", "class"), IMAGES)
    Path("list.txt").write_text("".join(f"{name} 0\n" for name in names))
    np.save("array.npy", IMAGES)
    told = set()
    for source in ("lmdb", "leveldb", "folder", "array.npy", "list.txt"):
        assert compute(source, "mean.binaryproto", "--root=folder/class") == 0
        np.testing.assert_allclose(written(), MEAN[np.newaxis], 1e-6)
        told.add(capsys.readouterr().out)
    (page,) = told
    assert page.startswith("mean.binaryproto: the mean of 5 images of 3x8x10\n")
    means = [float(value) for value in re.findall(r"channel \[\d\]: (.*)", page)]
    np.testing.assert_allclose(means, MEAN.mean(axis=(1, 2)), 1e-5)


def test_floats_and_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    values = {}
    for number in range(2):
        datum = Datum(channels=2, height=1, width=1, float_data=[number, -0.5])
        values[b"%010d" % number] = datum.SerializeToString()
    write_lmdb(Path("db"), values)
    assert compute("db") == 0
    out = capsys.readouterr().out
    assert out == "mean_value channel [0]: 0.5\nmean_value channel [1]: -0.5\n"
    assert [path.name for path in Path().iterdir()] == ["db"]


def test_large_sums_keep_their_digits() -> None:
    np.save("bright.npy", np.full((70_000, 1, 1, 1), 255, np.uint8))  # above 2^24 in all
    assert compute("bright.npy", "mean.binaryproto") == 0
    assert written().item() == 255


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert compute(*arguments) == 2
    assert not Path("mean.binaryproto").exists()
    told = capsys.readouterr()
    assert told.out == ""
    return told.err


def test_failures(capsys: pytest.CaptureFixture[str]) -> None:
    small = dict(zip([b"9"], datums(random_images(1, (3, 8, 9))).values(), strict=True))
    write_lmdb(Path("db"), {**datums(IMAGES), **small})
    told = refused(capsys, "db", "mean.binaryproto")
    assert "db, record 5" in told and "got: 3x8x9\n  expected: 3x8x10" in told
    assert "there is no such source of data" in refused(capsys, "no", "mean.binaryproto")
    assert "--backend says leveldb" in refused(capsys, "--backend=leveldb", "db")
    assert "no such folder" in refused(capsys, "db", "no/mean.binaryproto")
    np.save("rows.npy", np.zeros((3, 4)))
    assert "the samples are no images" in refused(capsys, "rows.npy")
    write_lmdb(Path("bad"), {**datums(IMAGES), b"x": b"\xff\xff"})
    assert 'bad, key "x": the record is not a Datum' in refused(capsys, "bad")
