"""`demitasse convert_imageset`: Caffe's databases byte for byte, whole or absent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.data.images import decode_image
from engine.data.readers.datum import DatumReader, datum_data, datum_label
from engine.data.readers.leveldb import open_leveldb
from engine.data.readers.lmdb import open_lmdb
from tests.harness.places import ROOT, SHARED, needs_shared
from tests.harness.sources import random_images, write_images
from tools import cli

pytest.importorskip("cv2")
pytest.importorskip("lmdb")

FILES = SHARED / "caffe_golden" / "files"
COUNT = 6
OPEN = {"lmdb": open_lmdb, "leveldb": open_leveldb}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    names = write_images(Path("images"), random_images(COUNT, (3, 9, 12)))
    Path("list.txt").write_text("".join(f"{name} {n % 3}\n" for n, name in enumerate(names)))
    return tmp_path


def convert(*arguments: str, database: str = "db") -> int:
    return cli.main(["convert_imageset", *arguments, "images", "list.txt", database])


def records(backend: str = "lmdb", folder: str = "db") -> DatumReader:
    return DatumReader(OPEN[backend](Path(folder)), folder)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message of a run that fails, and leaves nothing."""
    before = sorted(Path().iterdir())
    assert convert(*arguments) == 2
    told = capsys.readouterr()
    assert sorted(Path().iterdir()) == before and told.out == ""
    assert told.err.startswith("error: ")
    return told.err


@needs_shared
@pytest.mark.parametrize(
    "case", sorted(path.name for path in FILES.glob("db_*")) if FILES.is_dir() else []
)
def test_equals_caffes_files(case: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if "leveldb" in case:
        pytest.importorskip("plyvel")
    log = (FILES / case / "convert_imageset.log").read_text()
    command = re.search(r"command: convert_imageset (.*)", log)
    assert command
    monkeypatch.chdir(FILES / case)
    *flags, _, _, _ = command[1].split()
    assert cli.main(["convert_imageset", *flags, "images/", "list.txt", str(tmp_path / "db")]) == 0
    pattern = "*.ldb" if "leveldb" in case else "data.mdb"
    ours, theirs = (list(place.glob(pattern)) for place in (tmp_path / "db", FILES / case / "db"))
    assert [file.read_bytes() for file in ours] == [file.read_bytes() for file in theirs]


@pytest.mark.parametrize("backend", OPEN)
def test_what_is_read_is_what_was_written(backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    if backend == "leveldb":
        pytest.importorskip("plyvel")
    assert convert(f"--backend={backend}") == 0
    assert capsys.readouterr().out == f"db: {COUNT} images\n"
    found, images = records(backend), random_images(COUNT, (3, 9, 12))
    assert len(found) == COUNT
    for number in range(COUNT):
        key, datum = found.datum(number)
        name = key.decode().removeprefix(f"{number:08d}_")
        assert f"{name} {datum.label}" == Path("list.txt").read_text().splitlines()[number]
        np.testing.assert_array_equal(datum_data(datum, ""), images[number])
    assert not list(Path().glob(".*"))


@pytest.mark.parametrize(
    "flags",
    [
        ["-gray", "-resize_height", "4", "-resize_width=5"],
        ["--gray=true", "--resize-height=4", "--resize_width", "5"],
        ["--nogray", "--gray", "-resize-height=4", "--resize-width=5", "--shuffle=false"],
    ],
)
def test_flags_are_spelt_as_people_spell_them(flags: list[str]) -> None:
    assert convert(*flags) == 0
    assert records().datum(0)[1].channels == 1
    assert records().read(2)[0].shape == (1, 4, 5)


def test_switches_can_be_switched_off() -> None:
    assert convert("--gray", "--gray=false", "--encoded", "--noencoded") == 0
    assert records().datum(0)[1].channels == 3


def test_more_than_a_batch_and_a_map_that_grows() -> None:
    line = Path("list.txt").read_text().splitlines()[0]
    Path("list.txt").write_text(f"{line}\n" * 1003)
    assert convert("--resize_height=30", "--resize_width=40") == 0
    assert len(records()) == 1003 and records().datum(1002)[0].startswith(b"00001002_")
    assert Path("db/data.mdb").stat().st_size > 1003 * 3600 > 1 << 20


def test_names_in_other_codes() -> None:
    name = b"b\xe4r.png"  # Latin-1, which Caffe takes as it is
    Path("images", os.fsdecode(name)).write_bytes(next(Path("images").iterdir()).read_bytes())
    Path("list.txt").write_bytes(name + b" 3\n")
    assert convert() == 0
    assert records().datum(0)[0] == b"00000000_" + name


def test_encoded() -> None:
    assert convert("--encode_type", "png", "--resize_height=4", "--resize_width=5") == 0
    datum = records().datum(1)[1]
    assert datum.encoded and not datum.HasField("height")
    assert decode_image(datum.data, "", None).shape == (3, 4, 5)
    assert convert("--encoded", database="same") == 0
    assert records(folder="same").datum(1)[1].data == next(
        (Path("images") / line.rsplit(maxsplit=1)[0]).read_bytes()
        for line in Path("list.txt").read_text().splitlines()[1:]
    )


def test_shuffled_by_the_seed() -> None:
    def labels(database: str, *flags: str) -> list[bytes]:
        assert convert(*flags, database=database) == 0
        found = records(folder=database)
        return [found.datum(number)[0][9:] for number in range(COUNT)]

    plain, one = labels("a"), labels("b", "--shuffle")
    assert one != plain and sorted(one) == sorted(plain)
    assert labels("c", "--shuffle", "--seed=0") == one != labels("d", "--shuffle", "--seed=5")


def test_float_and_several_labels() -> None:
    lines = Path("list.txt").read_text().splitlines()
    Path("list.txt").write_text("".join(f"{line.rsplit(maxsplit=1)[0]} 0.5 -2\n" for line in lines))
    assert convert("--label_count=2") == 0
    np.testing.assert_array_equal(datum_label(records().datum(0)[1]), [0.5, -2])


def test_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("list.txt").read_text()
    Path("list.txt").write_text(lines + "gone.png 1\n")
    assert f'list.txt:{COUNT + 1}, image "gone.png": the image cannot' in refused(capsys)
    Path("list.txt").write_text(lines + "a.png one\n")
    assert f'list.txt:{COUNT + 1}: the label is not a number\n  got: "one"' in refused(capsys)
    Path("list.txt").write_text(lines + "a.png\n")
    assert f"list.txt:{COUNT + 1}: the line is too short" in refused(capsys)
    Path("list.txt").write_text(lines + "img 0.png 16777217e3\n")
    assert f'list.txt:{COUNT + 1}, image "img 0.png": the label is too large' in refused(capsys)
    Path("list.txt").write_text("\n")
    assert "lists no images" in refused(capsys)
    assert "go together" in refused(capsys, "--resize_width=8")
    Path("list.txt").write_text(lines)
    huge = refused(capsys, "--resize_width=99999999", "--resize_height=99999999")
    assert 'image "img 0.png": the image cannot be made so large' in huge
    assert "got: 3x99999999x99999999" in huge
    assert 'cannot encode images as "xyz"' in refused(capsys, "--encode_type=xyz")
    write_images(Path("images"), random_images(1, (3, 5, 5)), " odd.png")
    Path("list.txt").write_text(f"{lines}img 0 odd.png 1\n")
    assert "another size" in refused(capsys, "--check_size")
    assert convert() == 0
    assert "the images have 2 sizes, from 5x5 to 9x12" in capsys.readouterr().err


def test_places_that_are_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    for words, hint in (
        (["no", "list.txt", "db"], "there is no such folder of images"),
        (["images", "no.txt", "db"], "no such list of images"),
        (["images", "list.txt", "no/db"], "there is no such folder"),
        (["images", "list.txt", "images"], "exists already"),
    ):
        assert cli.main(["convert_imageset", *words]) == 2
        assert hint in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["images", "list.txt"]


def test_bad_records_can_be_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Path("list.txt").read_text()
    Path("list.txt").write_text(f"gone.png 1\n{lines}")
    assert convert("--on_bad_record=skip") == 0
    assert "left out: list.txt:1" in capsys.readouterr().err
    assert len(records()) == COUNT and records().datum(0)[0].startswith(b"00000001_")
    Path("list.txt").write_text("gone.png 1\n")
    assert cli.main(
        ["convert_imageset", "images", "list.txt", "none", "--on_bad_record", "skip"]
    ) == 2  # fmt: skip
    assert "not one image" in capsys.readouterr().err and not Path("none").exists()


@pytest.mark.parametrize(
    "package, extra, flags",
    [("cv2", "images", []), ("lmdb", "data", []), ("plyvel", "data", ["--backend=leveldb"])],
)
def test_packages_that_are_missing(
    package: str,
    extra: str,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    told = refused(capsys, *flags)
    assert f'the package "{package}" is needed' in told
    assert f"demitasse[{extra}]" in told or "no wheels" in told


_FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
from tools import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def process(program: list[str], database: str, backend: str) -> subprocess.Popen[str]:
    words = ["convert_imageset", "images", "list.txt", database, "--backend", backend]
    return subprocess.Popen(
        [sys.executable, *program, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize("backend", OPEN)
def test_a_full_disk(backend: str) -> None:
    if backend == "leveldb":
        pytest.importorskip("plyvel")
    line = Path("list.txt").read_text().splitlines()[0]
    Path("list.txt").write_text(f"{line}\n" * 2500)
    ended = process(["-c", _FULL], "db", backend)
    told = ended.communicate(timeout=60)[1]
    assert ended.returncode == 2 and told.startswith("error: ") and "Traceback" not in told
    assert "has room" in told
    assert sorted(path.name for path in Path().iterdir()) == ["images", "list.txt"]


@pytest.mark.parametrize("backend", OPEN)
def test_a_killed_run_leaves_no_database(backend: str, capsys: pytest.CaptureFixture[str]) -> None:
    if backend == "leveldb":
        pytest.importorskip("plyvel")
    lines = Path("list.txt").read_text()
    Path("list.txt").write_text(lines * 50_000)
    running = process(["-m", "tools.cli"], "db", backend)
    wanted = Path(".db.tmp", "data.mdb" if backend == "lmdb" else "CURRENT")
    end = time.monotonic() + 60
    while not wanted.exists() and running.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    Path("list.txt").write_text(lines)
    assert convert(f"--backend={backend}") == 2  # two at a time are refused
    assert "another process is writing it" in capsys.readouterr().err
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    running.communicate()
    assert wanted.exists() and not Path("db").exists()
    assert convert(f"--backend={backend}") == 0
    assert len(records(backend)) == COUNT and not wanted.parent.exists()
