"""`demitasse extract_features`: Caffe's databases of features, and today's files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import TEST, Net
from engine.data.readers.datum import DatumReader, datum_data
from engine.data.readers.leveldb import open_leveldb
from engine.data.readers.lmdb import open_lmdb
from tests.harness.places import ROOT, SHARED, needs_shared
from tools import cli

pytest.importorskip("lmdb")

CASE = SHARED / "caffe_golden" / "files" / "extract_lmdb"
NET = """
layer:
  - {name: x, type: ArrayData, top: x, array_data_param: {source: x.npy, batch_size: 4}}
  - name: ip
    type: InnerProduct
    inner_product_param: {num_output: 3, weight_filler: {type: xavier}}
  - name: cube
    type: Reshape
    bottom: x
    reshape_param: {shape: {dim: [0, 1, 1, 1, 5]}}
  - {name: sum, type: Reduction, bottom: ip, top: sum}
"""
X = np.random.default_rng(0).standard_normal((8, 5)).astype(np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    np.save("x.npy", X)
    Path("net.yaml").write_text(NET)
    net = Net("net.yaml", phase=TEST, seed=5)
    net.save("w.caffemodel")
    return tmp_path


def extract(*arguments: str) -> int:
    return cli.main(["extract_features", "w.caffemodel", "net.yaml", *arguments])


def truth() -> np.ndarray:
    net = Net("net.yaml", phase=TEST, weights="w.caffemodel")
    return np.concatenate([net.forward() and net.blobs["ip"].data.copy() for _ in range(2)])


def values(reader: DatumReader) -> np.ndarray:
    return np.stack([datum_data(reader.datum(n)[1], "") for n in range(len(reader))])


@needs_shared
def test_equals_caffes_databases(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(CASE)
    _, *arguments = (CASE / "command.txt").read_text().split()
    arguments[3] = f"{tmp_path}/feat_conv,{tmp_path}/feat_ip"
    assert cli.main(["extract_features", *arguments]) == 0
    for name in ("feat_conv", "feat_ip"):
        ours, theirs = (DatumReader(open_lmdb(place / name), name) for place in (tmp_path, CASE))
        assert len(ours) == len(theirs) == 8
        for number in range(8):
            (key, datum), (other_key, other) = ours.datum(number), theirs.datum(number)
            assert key == other_key
            given = np.array(datum.float_data)
            np.testing.assert_allclose(given, other.float_data, 0, 1e-5 * max(other.float_data))
            datum.ClearField("float_data")
            other.ClearField("float_data")
            assert datum.SerializeToString() == other.SerializeToString()
        sizes = [(place / name / "data.mdb").stat().st_size for place in (tmp_path, CASE)]
        assert sizes[0] == sizes[1]


@pytest.mark.parametrize(
    "last, opened",
    [
        ([], open_lmdb),
        (["lmdb", "GPU", "0"], open_lmdb),
        (["--backend=leveldb"], open_leveldb),
        (["LEVELDB", "CPU"], open_leveldb),
    ],
)
def test_databases(last: list[str], opened, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("plyvel")
    assert extract("ip", "db", "2", *last) == 0
    out, err = capsys.readouterr()
    assert out == "db: ip of 8 samples, 3 each\n" and ("GPU" in err) == ("GPU" in last)
    found = values(DatumReader(opened(Path("db")), "db"))
    np.testing.assert_array_equal(found[:, :, 0, 0], truth())


def test_files_hold_several_blobs() -> None:
    h5py = pytest.importorskip("h5py")
    assert extract("ip,cube", "f.npz", "2") == 0
    assert extract("ip,cube", "f.h5", "2") == 0
    assert extract("ip,x", "one.npz,other.npz", "2") == 0
    with np.load("f.npz") as arrays, h5py.File("f.h5") as file:
        for found in (arrays, file):
            np.testing.assert_array_equal(found["ip"], truth())
            np.testing.assert_array_equal(found["cube"][:, 0, 0, 0], X)
    with np.load("other.npz") as arrays:
        np.testing.assert_array_equal(arrays["x"], X)


def test_layers_that_the_model_lacks_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("net.yaml").read_text() + (
        "  - {name: more, type: InnerProduct, bottom: x, inner_product_param: {num_output: 2}}\n"
    )
    Path("net.yaml").write_text(text)
    assert extract("more", "f.npz", "1") == 0
    assert "has no parameters for more: they are as their fillers" in capsys.readouterr().err


REFUSED = {
    "blob": (["ipp", "db", "1"], 'did you mean "ip"?'),
    "one number": (["sum", "db", "1"], "is one number"),
    "axes": (["cube", "db", "1"], "--backend hdf5, or npz"),
    "names": (["ip,x", "db", "1"], "as many outputs as blobs"),
    "twice": (["ip,ip", "a,b", "1"], "named twice"),
    "batches": (["ip", "db", "0"], "NUM_BATCHES must be above 0"),
    "type": (["ip", "db", "1", "lmbd"], 'did you mean "lmdb"?'),
    "exists": (["ip", "x.npy", "1", "npz"], "exists already"),
    "folder": (["ip", "no/f.npz", "1"], "no/f.npz"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_failures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(Path().iterdir())
    arguments, words = REFUSED[name]
    assert extract(*arguments) == 2
    out, err = capsys.readouterr()
    assert words in err and err.startswith("error: ") and out == ""
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    "package, kind", [("lmdb", "lmdb"), ("plyvel", "leveldb"), ("h5py", "hdf5")]
)
def test_packages_that_are_missing(
    package: str, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    before = sorted(Path().iterdir())
    assert extract("ip", "out", "1", kind) == 2
    assert f'the package "{package}" is needed' in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


_FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
from tools import cli
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", ["lmdb", "hdf5", "npz"])
def test_a_full_disk(kind: str) -> None:
    words = ["extract_features", "w.caffemodel", "net.yaml", "ip", "out", "3000", kind]
    ended = subprocess.run(
        [sys.executable, "-c", _FULL, *words], capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT)}, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("error: ") and "Traceback" not in ended.stderr
    assert not list(Path().glob("*out*")) and not list(Path().glob(".*"))
