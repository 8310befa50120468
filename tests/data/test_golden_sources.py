"""Batches equal to those of real Caffe: databases, image lists, windows, HDF5 written and read."""

from __future__ import annotations

import gc
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine import TEST, TRAIN, Net
from engine.blob_io import read_blob
from engine.data.readers.datum import DatumReader
from engine.data.readers.lmdb import open_lmdb
from engine.schema import BlobProto
from tests.harness.places import SHARED, needs_shared

FILES = SHARED / "caffe_golden" / "files"
KINDS = ("db", "imagedata", "windowdata", "hdf5data", "extract_features")
LOSSY = ("jpg", "resize", "gray", "windowdata")
pytestmark = needs_shared


def cases() -> list[tuple[str, str]]:
    if not FILES.is_dir():
        return []
    index = json.loads((FILES / "index.json").read_text())
    return [
        (name, variant)
        for name, case in index.items()
        if case["kind"] in KINDS
        for variant in case["variants"]
    ]


def tolerance(case: str, variant: str, text: str) -> float:
    """As FORMAT.md has it: exact pixels, or so many grey levels where decoders may differ."""
    scale = float((re.findall(r"\bscale: ([\d.]+)", text) or [1])[0])
    name = f"{case} {variant}"
    levels = 2 if "jpg" in name else 1 if any(word in name for word in LOSSY) else 0
    exact = 3e-5 if "mean_file" in text else 1e-5
    return (levels + exact) * scale


@pytest.mark.parametrize("case, variant", cases())
def test_batches_are_caffes(case: str, variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("plyvel" if "leveldb" in case else "lmdb")
    pytest.importorskip("cv2")
    monkeypatch.chdir(FILES / case)
    path = Path(f"net_{variant}.prototxt")
    phase = TRAIN if variant.startswith("train") else TEST
    net = Net(path, phase=phase)
    golden = np.load(f"golden_{variant}.npz")
    if variant == "features":
        net.copy_from("weights.caffemodel")
    batches = 1 + max(int(name.rsplit("_", 1)[1]) for name in golden.files)
    tops = {name.rsplit("_", 1)[0] for name in golden.files} & set(net.blobs)
    assert tops
    for k in range(1, batches):
        net.forward()
        for top in tops:
            if f"{top}_{k}" not in golden:
                continue
            expected = golden[f"{top}_{k}"]
            limit = tolerance(case, variant, path.read_text()) if top != "label" else 0
            if variant == "features":
                limit = max(1e-5 * float(np.abs(expected).max()), limit)
            np.testing.assert_allclose(net.blobs[top].data, expected, 0, limit, strict=True)


@pytest.mark.parametrize("case", ["db_lmdb_raw_color", "db_lmdb_jpg_encoded", "extract_lmdb"])
def test_datums_are_those_listed(case: str) -> None:
    folder = FILES / case
    for prefix in ("", "feat_conv_", "feat_ip_"):
        listing, values = folder / f"{prefix}datums.txt", folder / f"{prefix}datums.npz"
        if not listing.is_file():
            continue
        arrays = np.load(values)
        name = prefix.rstrip("_") or "db"
        reader = DatumReader(open_lmdb(folder / name), name)
        lines = listing.read_text().splitlines()
        assert len(lines) == len(reader)
        for record, line in enumerate(lines):
            key, datum = reader.datum(record)
            assert line.split(" label=")[0] == key.decode()
            assert f"label={datum.label} " in line
            data, label = reader.read(record)
            assert label == datum.label
            for kind in ("pixels", "floats"):
                if f"{kind}_{record}" in arrays:
                    wanted = arrays[f"{kind}_{record}"]
                    np.testing.assert_array_equal(data.ravel(), wanted.ravel())


def test_hdf5_output_is_caffes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    h5py = pytest.importorskip("h5py")
    monkeypatch.chdir(tmp_path)
    for name in ("in.h5", "in_list.txt", "net_write.prototxt"):
        shutil.copyfile(FILES / "hdf5output_4d" / name, name)
    net = Net("net_write.prototxt", phase=TEST)
    net.forward()
    assert not Path("out.h5").exists() and Path("out.h5.part").exists()
    del net
    gc.collect()
    assert not Path("out.h5.part").exists()
    with h5py.File("out.h5") as ours, h5py.File(FILES / "hdf5output_4d" / "out.h5") as caffes:
        assert set(ours) == set(caffes) == {"data", "label"}
        for name in caffes:
            np.testing.assert_array_equal(ours[name][...], caffes[name][...], strict=True)


@pytest.mark.parametrize("name", ["caffestart_test", "minicaffe_test", "minicaffe_train"])
def test_databases_others_made_with_caffe(name: str) -> None:
    reader = DatumReader(open_lmdb(SHARED / "data" / "lmdb" / name), name)
    data, label = reader.read(len(reader) - 1)
    assert data.ndim == 3 and label.shape == ()


def test_mean_images_are_read() -> None:
    for path in (SHARED / "data" / "binaryproto").iterdir():
        assert read_blob(BlobProto.FromString(path.read_bytes())).shape[:2] == (1, 3)
