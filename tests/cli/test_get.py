"""`demitasse get`: from servers that break off, lie or are away, and from folders."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from engine.blob_io import read_blob
from engine.data.array_file import read_array
from engine.data.readers.datum import DatumReader
from engine.data.readers.leveldb import open_leveldb
from engine.data.readers.lmdb import open_lmdb
from engine.schema import BlobProto, Datum
from tests.harness.file_server import file_server
from tests.harness.places import ROOT, SHARED, needs_shared
from tools import cli
from tools.datasets import catalogue
from tools.datasets.catalogue import CATALOGUE, Dataset, PublishedFile

DEAD = "http://127.0.0.1:9/"  # the discard port: nobody listens


def idx(values: np.ndarray) -> bytes:
    return struct.pack(">4B", 0, 0, 8, values.ndim) + struct.pack(
        f">{values.ndim}I", *values.shape
    ) + values.astype(np.uint8).tobytes()  # fmt: skip


RANDOM = np.random.default_rng(3)
CONTENTS = {
    "train-images-idx3-ubyte.gz": idx(RANDOM.integers(0, 256, (300, 20, 20))),
    "t10k-labels-idx1-ubyte.gz": idx(RANDOM.integers(0, 10, 50)),
}
FILES = {name: gzip.compress(content, mtime=0) for name, content in CONTENTS.items()}
LARGE = "train-images-idx3-ubyte.gz"


def published(name: str, data: bytes, content: bytes = b"") -> PublishedFile:
    md5 = hashlib.md5(content).hexdigest() if content else ""
    return PublishedFile(name, len(data), hashlib.sha256(data).hexdigest(), md5)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    files = tuple(published(name, data, CONTENTS[name]) for name, data in FILES.items())
    monkeypatch.setitem(CATALOGUE, "mnist", Dataset(files, (DEAD,)))
    return tmp_path


def get(*arguments: str) -> int:
    return cli.main(["get", "mnist", *arguments])


def check_all(place: str = "data/mnist") -> None:
    """The files are there and good, and nothing else is."""
    found = {path.name: path for path in Path(place).iterdir()}
    assert set(found) == set(FILES)
    for name, path in found.items():
        array = read_array(path)
        assert array.tobytes() == CONTENTS[name][4 + 4 * array.ndim :]


@needs_shared
def test_the_real_mnist_is_known_by_its_content(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CATALOGUE, "mnist", catalogue.MNIST)
    assert get("--from", str(SHARED / "data" / "mnist")) == 0
    assert read_array(Path("data/mnist/train-images-idx3-ubyte.gz")).shape == (60000, 28, 28)


def test_the_catalogue_is_well_formed() -> None:
    for name in ("mnist", "fashion-mnist", "cifar10"):
        data = {**CATALOGUE, "mnist": catalogue.MNIST}[name]
        assert len(data.mirrors) > 1 and all(url.endswith("/") for url in data.mirrors)
        for file in data.files:
            assert len(bytes.fromhex(file.sha256)) == 32 and file.size > 4000
            assert len(bytes.fromhex(file.content_md5)) in (0, 16)


def test_download(capsys: pytest.CaptureFixture[str]) -> None:
    with file_server(FILES) as server:
        assert get("--mirror", server.url) == 0
        out, err = capsys.readouterr()
        assert out.count("checksum good") == 2 and err == ""
        check_all()
        assert get("--mirror", server.url) == 0
    assert capsys.readouterr().out.count("there already, checksum good") == 2
    assert server.asked == [(name, "") for name in FILES]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_resumed(ranges: bool) -> None:
    with file_server(FILES, ranges, breaks_after=[30_000, 40_000]) as server:
        assert get("--mirror", server.url, "-o", "here/below") == 0
    check_all("here/below")
    large = [asked for name, asked in server.asked if name == LARGE]
    # Without ranges it starts again: 30,000 bytes, then 40,000, then all.
    second = "bytes=70000-" if ranges else "bytes=40000-"
    assert large == ["", "bytes=30000-", second]


def test_a_stopped_download_is_resumed_by_the_next_run() -> None:
    part = Path("data/mnist", f"{LARGE}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(FILES[LARGE][:50_000])
    with file_server(FILES) as server:
        assert get("--mirror", server.url) == 0
    assert server.asked[0] == (LARGE, "bytes=50000-")
    check_all()


@pytest.mark.parametrize("length", [50_000, len(FILES[LARGE]), len(FILES[LARGE]) + 5])
def test_a_part_of_something_else_is_no_harm(length: int) -> None:
    part = Path("data/mnist", f"{LARGE}.part")
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(length))
    with file_server(FILES) as server:
        assert get("--mirror", server.url) == 0
    check_all()


def test_the_next_mirror_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {**FILES, LARGE: FILES[LARGE][:-1] + b"x"}
    with file_server(wrong) as bad, file_server({}) as empty, file_server(FILES) as good:
        mirrors = [f"--mirror={server.url}" for server in (bad, empty, good)]
        assert get("--mirror", DEAD, *mirrors) == 0
    told = capsys.readouterr().err
    assert "wrong checksum: SHA-256" in told and "HTTP 404" in told and "refused" in told
    check_all()


def test_a_wrong_checksum_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, words in (
        (FILES[LARGE][:-1] + b"x", "wrong checksum"),
        (FILES[LARGE] + b"more", f"another file is there: {len(FILES[LARGE]) + 4:,} bytes"),
        (FILES[LARGE][:-1], f"another file is there: {len(FILES[LARGE]) - 1:,} bytes"),
    ):
        with file_server({**FILES, LARGE: wrong}) as server:
            assert get("--mirror", server.url) == 2
        assert words in capsys.readouterr().err
        assert list(Path("data/mnist").iterdir()) == []


def test_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    assert get() == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: {LARGE} cannot be downloaded\n  got: {DEAD}: ")
    assert "demitasse get mnist --from DIR" in told


def test_a_connection_that_always_breaks_keeps_what_it_brought() -> None:
    with file_server(FILES, breaks_after=[1000] * 5) as server:
        assert get("--mirror", server.url) == 2
    assert Path("data/mnist", f"{LARGE}.part").read_bytes() == FILES[LARGE][:5000]


def test_files_that_are_there_already() -> None:
    place = Path("mine", "raw")
    place.mkdir(parents=True)
    for name, data in FILES.items():
        (place / name).write_bytes(data)
    assert get("--from", "mine") == 0
    check_all()


def test_files_unzipped_or_zipped_anew() -> None:
    Path("mine").mkdir()
    first, second = CONTENTS
    Path("mine", first.removesuffix(".gz")).write_bytes(CONTENTS[first])
    Path("mine", second).write_bytes(gzip.compress(CONTENTS[second], 1))
    assert get("--from", "mine", "--output", "out") == 0
    check_all("out")


def test_from_a_folder_that_will_not_do(capsys: pytest.CaptureFixture[str]) -> None:
    Path("mine").mkdir()
    assert get("--from", "mine") == 2
    assert f"mine: there is no {LARGE} or {LARGE[:-3]}" in capsys.readouterr().err
    Path("mine", LARGE).write_bytes(FILES[LARGE][:-9])
    assert get("--from", "mine") == 2
    assert "its checksum is wrong" in capsys.readouterr().err
    assert get("--from", "gone") == 2
    assert "there is no such folder" in capsys.readouterr().err
    assert not Path("data").exists()


def test_what_is_there_is_not_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    Path("data/mnist").mkdir(parents=True)
    Path("data/mnist", LARGE).write_bytes(b"mine")
    assert get() == 2
    assert "another checksum" in capsys.readouterr().err
    assert Path("data/mnist", LARGE).read_bytes() == b"mine"


_FULL = """
import resource, sys
from tools import cli
from tools.datasets.catalogue import CATALOGUE, Dataset, PublishedFile
CATALOGUE["mnist"] = Dataset((PublishedFile(sys.argv[1], int(sys.argv[2]), ""),), ())
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
sys.exit(cli.main(["get", "mnist", "--mirror", sys.argv[3]]))
"""


def test_a_full_disk() -> None:
    with file_server(FILES) as server:
        words = [sys.executable, "-c", _FULL, LARGE, str(len(FILES[LARGE])), server.url]
        environment = {"PYTHONPATH": str(ROOT)}
        ended = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60)
    assert ended.returncode == 2 and "has room" in ended.stderr, ended.stderr
    assert ended.stderr.startswith("error: ") and not Path("data/mnist", LARGE).exists()


LABELS = RANDOM.integers(0, 10, 70).astype(np.uint8)
PIXELS = RANDOM.integers(0, 256, (70, 3, 32, 32)).astype(np.uint8)


def archive(lacking: str = "", broken: bool = False) -> bytes:
    """CIFAR-10's archive in small: five batches of 12 to train on, one of 10."""
    rows = np.concatenate([LABELS[:, np.newaxis], PIXELS.reshape(70, -1)], axis=1)
    if broken:
        rows[3, 0] = 77
    batches = {f"data_batch_{n + 1}.bin": rows[12 * n : 12 * n + 12] for n in range(5)}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, part in {**batches, "test_batch.bin": rows[60:]}.items():
            if name != lacking:
                member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                member.size = part.nbytes
                tar.addfile(member, io.BytesIO(part.tobytes()))
    return out.getvalue()


def get_cifar(monkeypatch: pytest.MonkeyPatch, data: bytes, *arguments: str) -> int:
    file = published("cifar-10-binary.tar.gz", data)
    monkeypatch.setitem(CATALOGUE, "cifar10", Dataset((file,), ()))
    return cli.main(["get", "cifar10", *arguments])


@pytest.mark.parametrize("backend", ["lmdb", "leveldb"])
def test_cifar10(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("lmdb", "plyvel"):
        pytest.importorskip(package)
    data = archive()
    with file_server({"cifar-10-binary.tar.gz": data}) as server:
        assert get_cifar(monkeypatch, data, "--mirror", server.url, "--backend", backend) == 0
    place = Path("data/cifar10")
    names = [f"cifar10_test_{backend}", f"cifar10_train_{backend}", "mean.binaryproto"]
    assert sorted(os.listdir(place)) == names
    opened = {"lmdb": open_lmdb, "leveldb": open_leveldb}[backend]
    for name, start, count in ((names[1], 0, 60), (names[0], 60, 10)):
        reader = DatumReader(opened(place / name), name)
        assert len(reader) == count
        for number in range(count):
            key, datum = reader.datum(number)
            pixels, label = PIXELS[start + number].tobytes(), int(LABELS[start + number])
            wanted = Datum(channels=3, height=32, width=32, data=pixels, label=label)
            assert (key, datum) == (b"%05d" % number, wanted)
    mean = read_blob(BlobProto.FromString((place / names[2]).read_bytes()))
    np.testing.assert_allclose(mean[0], PIXELS[:60].mean(axis=0), 1e-6)


def test_cifar10_goes_on_where_it_was_stopped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lmdb")
    data = archive()
    Path("mine").mkdir()
    Path("mine", "cifar-10-binary.tar.gz").write_bytes(data)
    assert get_cifar(monkeypatch, data, "--from", "mine") == 0
    database = Path("data/cifar10/cifar10_train_lmdb/data.mdb")
    before = database.stat().st_mtime_ns
    Path("data/cifar10/mean.binaryproto").unlink()
    assert get_cifar(monkeypatch, data, "--from", "mine") == 0
    assert database.stat().st_mtime_ns == before
    assert Path("data/cifar10/mean.binaryproto").exists()
    assert Path("mine", "cifar-10-binary.tar.gz").exists()
    assert get_cifar(monkeypatch, data) == 0  # all is there: no network is needed
    assert "mean.binaryproto" in capsys.readouterr().out


@pytest.mark.parametrize(
    "data, words",
    [
        (archive(lacking="data_batch_3.bin"), "there is no data_batch_3.bin in the archive"),
        (archive(broken=True), "the batch is damaged"),
        (archive()[:-3000], "the archive is damaged"),
        (b"no archive", "the archive is damaged"),
    ],
    ids=["lacking", "label", "short", "none"],
)
def test_cifar10_archives_that_are_none(
    data: bytes, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lmdb")
    Path("mine").mkdir()
    Path("mine", "cifar-10-binary.tar.gz").write_bytes(data)
    assert get_cifar(monkeypatch, data, "--from", "mine") == 2
    assert words in capsys.readouterr().err
    assert os.listdir("data/cifar10") == []


def test_packages_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package, backend in (("lmdb", "lmdb"), ("plyvel", "leveldb")):
        monkeypatch.setitem(sys.modules, package, None)
        assert get_cifar(monkeypatch, b"", "--backend", backend) == 2
        assert f'the package "{package}" is needed' in capsys.readouterr().err
    assert not Path("data").exists()
