"""A small run of the benchmark of data, without a peer; and what its sources hold."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from engine.data.images import decode_image
from tools.bench import data
from tools.bench.__main__ import main
from tools.bench.data_files import encode, make_image, write_sources
from tools.bench.data_ours import MEAN, SOURCES, make_net

for package in ("cv2", "lmdb", "h5py"):
    pytest.importorskip(package)


def test_a_small_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    size = ["--images", "12", "--size", "16", "--crop", "12", "--batch", "4"]
    options = ["--sources", "lmdb_raw,arrays", "--rounds", "2", "--patience", "0"]
    assert main(["data", *size, *options, "--output", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert "12 images of 16 x 16, cropped to 12" in table and "| lmdb_raw | " in table
    assert (tmp_path / "data.md").read_text() == table
    rows = json.loads((tmp_path / "data.json").read_text())["rows"]
    assert [row["source"] for row in rows] == ["lmdb_raw", "arrays"]
    assert all(len(row["demitasse"]) == 2 and min(row["demitasse"]) > 0 for row in rows)
    assert all(row["ratio"] is None for row in rows)


def test_an_unknown_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--sources", "lmbd_raw"]) == 2
    assert "error: no such source\n  got: lmbd_raw" in capsys.readouterr().err


def test_every_source_holds_the_same_images(tmp_path: Path) -> None:
    write_sources(tmp_path, 6, 16)
    means = np.array(MEAN, np.float32).reshape(3, 1, 1)
    batches = {}
    for source in SOURCES:
        net = make_net(source, str(tmp_path), 6, 16)
        net.forward()
        values = net.blobs["data"].data + means
        # Whole images, so a mirrored one is brought back by looking for its original.
        order = np.argsort(net.blobs["label"].data)
        batches[source] = values[order]
    pixels = np.load(tmp_path / "images.npy")
    for source, values in batches.items():
        for image, original in zip(values, pixels, strict=True):
            if source in ("lmdb_jpeg", "image_list"):
                original = decode_image(encode(original), "", True)
            assert any(np.allclose(image, o) for o in (original, original[..., ::-1])), source


def test_images_compress_as_photographs_do() -> None:
    image = make_image(3, 256)
    assert image.shape == (3, 256, 256) and image.std() > 20
    assert 12_000 < len(encode(image)) < 40_000
    np.testing.assert_array_equal(image, make_image(3, 256))


def test_the_best_way_of_the_peer_counts() -> None:
    row = data.Row("arrays", {"demitasse": [30, 60], "0 workers": [10, 5], "2 workers": [4, 20]})
    assert row.best_peer == "2 workers" and row.ratio == 3
    table = data.markdown([row], data.DataTask())
    assert "| arrays | 60 (45) | 20 (12) | 2 workers | 3.00 |" in table
