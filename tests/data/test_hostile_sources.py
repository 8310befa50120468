"""Data files that are damaged, or made to do harm: a named error, within a second and 200 MB.

Many of them were found by ``tests/campaigns/test_fuzz.py``.
"""

from __future__ import annotations

import gzip
import io
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.schema import Datum
from layers.errors import DemitasseError
from tests.harness.limited import MEGABYTES, SECONDS, Outcome, read_all_limited, read_limited
from tests.harness.sources import (
    Source,
    datums,
    random_images,
    write_images,
    write_leveldb,
    write_lmdb,
)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")

PAGE = 4096


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    head = struct.pack(">I", len(body) if length is None else length)
    return head + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, data: bytes, length: int | None = None) -> bytes:
    size = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + size + chunk(b"IDAT", data, length) + chunk(b"IEND", b"")


def npy(shape: str, data: bytes = b"", dtype: str = "<f4") -> bytes:
    head = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".encode()
    head = head.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + data


def npz(member: bytes, name: str = "a.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, member)
    return file.getvalue()


def idx(*dims: int) -> bytes:
    return bytes([0, 0, 8, len(dims)]) + struct.pack(f">{len(dims)}I", *dims)


ROWS = zlib.compress((b"\0" * 120_001) * 40_000, 9)
FILES: dict[str, tuple[str, bytes]] = {
    "a picture of a billion pixels": ("image", png(40_000, 40_000, ROWS)),
    "a part of a picture longer than the file": ("image", png(2, 2, b"", 2**30)),
    "an end of a picture longer than the file": (
        "image", png(2, 2, b"")[:-12] + chunk(b"IEND", b"", 2**30)
    ),
    "a Datum of more values than it has": (
        "datum", Datum(channels=2**31 - 1, height=2**31 - 1, width=9, data=b"1").SerializeToString()
    ),
    "a Datum with a picture of a billion pixels": (
        "datum", Datum(encoded=True, data=png(40_000, 40_000, ROWS)).SerializeToString()
    ),
    "a Datum cut short": ("datum", b"\x22\xff\xff\xff\xff\x07abc"),
    "a BlobProto of more values than it has": ("blob", b"\x3a\x06\x0a\x04\xff\xff\xff\x7f"),
    ".npy, values missing": ("array", npy("(1000000000, 1000000000)")),
    ".npy, nested": ("array", npy("(" * 90)),
    ".npy of objects, which are pickles": ("array", npy("(1,)", b"cos\nsystem\n.", "|O")),
    ".npz, values missing": ("array", npz(npy("(1000000000,)"))),
    ".npz, a member called as if above": ("array", npz(npy("(1,)", b"abcd", "|O"), "../../a.npy")),
    "idx, values missing": ("array", idx(2**31, 2**31)),
    "idx, zipped, values missing": ("array", gzip.compress(idx(2**31, 2**31) + bytes(2**28))),
    "a table, zipped, of a gigabyte": ("csv", gzip.compress(bytes(2**29))),
    "a table of one endless row": ("csv", b"1," * 500_000 + b"\n1"),
    "a table with an endless number": ("csv", b"1,2\n1," + b"9" * 3_000_000),
    "a table with a number too large for a blob": ("csv", b"1,2\n1,1e39"),
    "a list of names with a null byte": ("list", b"a\0b.png 1\n"),
    "a list of names too long": ("list", b"a" * 5000 + b".png 1\n"),
    "a list that leads out of its folder": ("list", b"../../../../../../etc/hostname 1\n"),
    "a list of a device": ("list", b"/dev/zero 1\n"),
    "a window file of more windows than it has": ("windows", b"# 0 a 3 9 9 1000000000 1 1 0 0 1 1"),
    "a window file with an endless corner": ("windows", b"# 0 a 3 9 9 1 1 1 1e39 0 1 1"),
}  # fmt: skip


HDF5: dict[str, Callable[[Any], object]] = {
    "never written": lambda file: file.create_dataset("data", (10**12,), "f4"),
    "chunks never written": lambda file: file.create_dataset(
        "data", (10**12,), "f4", chunks=(1000,), compression="gzip"
    ),
    "a chunk of 80 MB": lambda file: file.create_dataset(
        "data", data=np.ones(1, "f4"), maxshape=(None,), chunks=(20_000_000,), compression=1
    ),
    "a link into another file": lambda file: file.__setitem__(
        "data", sys.modules["h5py"].ExternalLink("/etc/hostname", "/x")
    ),
    "values in another file": lambda file: file.create_dataset(
        "data", (10,), "f4", external=[("/etc/hostname", 0, 40)]
    ),
    "a link to itself": lambda file: file.__setitem__(
        "data", sys.modules["h5py"].SoftLink("/data")
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What becomes of each file, all read in one process."""
    h5py = pytest.importorskip("h5py")
    folder = tmp_path_factory.mktemp("hostile")
    found: dict[str, tuple[str, Path]] = {}
    for number, (name, (reader, data)) in enumerate(FILES.items()):
        found[name] = (reader, folder / str(number))
        found[name][1].write_bytes(data)
    for number, (name, fill) in enumerate(HDF5.items()):
        found[name] = ("hdf5", folder / f"{number}.h5")
        with h5py.File(found[name][1], "w") as file:
            fill(file)
    return dict(zip(found, read_all_limited(list(found.values())), strict=True))


@pytest.mark.parametrize("name", [*FILES, *HDF5])
def test_files(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.error, "it was read"
    assert outcome.seconds < SECONDS, outcome
    assert outcome.megabytes < MEGABYTES, outcome


def cut(raw: bytearray) -> None:
    del raw[len(raw) // 2 :]


def cut_within_the_first_page(raw: bytearray) -> None:
    del raw[100:]


def wider_pages(raw: bytearray) -> None:
    for page in (0, PAGE):
        raw[page + 40 : page + 44] = struct.pack("<I", 2**16)


def root_beyond_the_end(raw: bytearray) -> None:
    for page in (0, PAGE):
        raw[page + 128 : page + 136] = struct.pack("<Q", 2**40)


def mapped_where_the_file_says(raw: bytearray) -> None:
    for page in (0, PAGE):
        raw[page + 44] |= 1


def pages_of(raw: bytearray, flag: int) -> list[int]:
    """Where the branches (1), leaves (2) or pages of long values (4) of a database begin."""
    return [at for at in range(2 * PAGE, len(raw), PAGE) if raw[at + 10] == flag]


def branch_to_beyond_the_end(raw: bytearray) -> None:
    for at in pages_of(raw, 1):
        (node,) = struct.unpack_from("<H", raw, at + 16)
        raw[at + node + 2 : at + node + 6] = b"\xff" * 4


def node_beyond_its_page(raw: bytearray) -> None:
    for at in pages_of(raw, 2):
        raw[at + 16 : at + 18] = b"\xff\xff"


def value_beyond_the_end(raw: bytearray) -> None:
    for at in pages_of(raw, 2):
        (node,) = struct.unpack_from("<H", raw, at + 16)
        raw[at + node : at + node + 4] = b"\xff\xff\xff\x7f"


def no_nodes(raw: bytearray) -> None:
    for at in pages_of(raw, 1) + pages_of(raw, 2):
        raw[at + 12 : at + 14] = b"\x10\x00"


DAMAGES: list[Callable[[bytearray], None]] = [
    cut, cut_within_the_first_page, wider_pages, root_beyond_the_end, mapped_where_the_file_says,
    branch_to_beyond_the_end, node_beyond_its_page, value_beyond_the_end, no_nodes,
]  # fmt: skip


@pytest.mark.parametrize("size", [10, 90], ids=["short values", "values with their own pages"])
def test_a_damaged_lmdb(tmp_path: Path, size: int) -> None:
    good = tmp_path / "good"
    write_lmdb(good, datums(random_images(40, (1, 10, size))))
    raw = (good / "data.mdb").read_bytes()
    assert pages_of(bytearray(raw), 1) and pages_of(bytearray(raw), 2)
    paths = [good / "data.mdb"]
    for harm in DAMAGES:
        damaged = bytearray(raw)
        harm(damaged)
        paths.append(tmp_path / harm.__name__ / "data.mdb")
        paths[-1].parent.mkdir()
        paths[-1].write_bytes(damaged)
    first, *others = read_all_limited([("lmdb", path) for path in paths])
    assert first.error == ""
    for harm, outcome in zip(DAMAGES, others, strict=True):
        assert "cannot be read as LMDB" in outcome.error, harm.__name__


@pytest.mark.parametrize("write", [write_lmdb, write_leveldb])
def test_a_damaged_record_is_named(tmp_path: Path, write: Callable[..., None]) -> None:
    values = datums(random_images(3))
    values[b"00000001_1"] = b"\x22\xff\xff"
    write(tmp_path / "db", values)
    backend = "LMDB" if write is write_lmdb else "LEVELDB"
    with pytest.raises(DemitasseError, match="not a Datum"):
        param = f'source: "{tmp_path}/db" batch_size: 3 backend: {backend}'
        Source(f'type: "Data" data_param {{ {param} }}').forward()


def test_a_png_with_something_behind_its_end_is_read(tmp_path: Path) -> None:
    (name,) = write_images(tmp_path, random_images(1))
    path = tmp_path / name
    path.write_bytes(path.read_bytes() + b"left over" * 1000)
    assert read_limited("image", path).error == ""


def test_whole_databases_pass(tmp_path: Path) -> None:
    """Of many shapes: the check must not refuse what is good."""
    rng = np.random.default_rng(0)
    paths = []
    for count in (1, 2, 70, 3000):
        values = {
            b"%08d" % n + b"k" * int(rng.integers(0, 200)): rng.bytes(int(rng.integers(1, 6000)))
            for n in range(count)
        }
        write_lmdb(tmp_path / str(count), values)
        paths.append(tmp_path / str(count) / "data.mdb")
    for outcome in read_all_limited([("lmdb keys", path) for path in paths]):
        assert outcome.error == "", outcome
