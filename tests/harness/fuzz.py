"""Gives a reader damaged files until its time is over; run in a process of its own.

``python -m tests.harness.fuzz READER SEEDS FOLDER SECONDS NUMBER``: SEEDS is a folder of good
files, FOLDER an empty one to work in, NUMBER the seed of the damage. The last line says what came
of it. A crash, an error without a name, or a file that takes too much ends it, and stays there.
"""

from __future__ import annotations

import random
import resource
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from engine import DemitasseError
from engine.blob_io import read_blob
from engine.data.array_file import read_array
from engine.data.hdf5_file import dataset_shapes, read_datasets
from engine.data.images import decode_image
from engine.data.readers import Reader
from engine.data.readers.csv import CSVReader
from engine.data.readers.datum import DatumReader, datum_data, datum_label, parse_datum
from engine.data.readers.image_list import ImageListReader
from engine.data.readers.leveldb import LevelDb
from engine.data.readers.lmdb import LmdbFile
from engine.data.readers.windows import WindowReader
from engine.schema import BlobProto
from engine.snapshot.model_file import read_model
from engine.snapshot.state_file import read_state
from engine.spec import read_message, read_net, read_solver

SLOWEST, MEGABYTES = 2.0, 200


def read_datum(path: Path) -> None:
    datum = parse_datum(path.read_bytes(), path.name)
    datum_label(datum)
    datum_data(datum, path.name)


def read_hdf5(path: Path) -> None:
    dataset_shapes(path, ["data"])
    read_datasets(path, ["data"], "f4")


def read_records(reader: Reader) -> None:
    """Some records of a source, bad ones too."""
    count = len(reader)
    for record in sorted({0, 1, count // 2, count - 1} & set(range(count))):
        try:
            reader.read(record)
        except DemitasseError:
            if record == count - 1:
                raise
    if reader.left_out:
        raise reader.left_out[0]


READERS: dict[str, Callable[[Path], object]] = {
    "model": read_model,
    "state": read_state,
    "net": read_net,
    "solver": read_solver,
    "array": read_array,
    "blob": lambda path: read_blob(read_message(path, BlobProto), path.name),
    "hdf5": read_hdf5,
    "datum": read_datum,
    "image": lambda path: decode_image(path.read_bytes(), path.name, color=True),
    "csv": lambda path: read_records(CSVReader(path, ["-1"])),
    "list": lambda path: read_records(ImageListReader(path, path.name, Path)),
    "windows": lambda path: read_records(WindowReader(path, path.name, Path, "", (0.5, 0.5))),
    "lmdb keys": lambda path: len(LmdbFile(path.parent).keys),
    "lmdb": lambda path: read_records(DatumReader(LmdbFile(path.parent), "lmdb")),
    "leveldb": lambda path: read_records(DatumReader(LevelDb(path.parent), "leveldb")),
}

TOKENS = [
    b"{", b"}", b"[", b"]", b":", b"&a ", b"*a", b"<<", b"!!", b"$", b"${a}", b"-", b"1e999", b"0x",
    b"\\u", b'"', b"'", b"#", b"\n", b"  ", b"nan", b"\xff", b"\0", b"include: ", b"repeat: ",
    b"vars:", b"blocks:", b"layer", b"type", b"%", b"|", b">", b"?", b",", b"\xff" * 9, b"\x80" * 4,
]  # fmt: skip
BYTES = [0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF]


def damage(raw: bytes, rng: random.Random, others: list[bytes]) -> bytes:
    """The bytes after one to twenty changes."""
    data = bytearray(raw)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8, 20))):
        at, kind = rng.randrange(len(data) + 1), rng.randrange(9)
        end = min(len(data), at + rng.choice((1, 2, 4, 8, 64)))
        if kind == 0:
            del data[at:end]
        elif kind == 1:
            data[at:at] = rng.choice(TOKENS)
        elif kind == 2:
            data[at:end] = rng.randbytes(end - at)
        elif kind == 3 and at < len(data):
            data[at] = rng.choice(BYTES)
        elif kind == 4 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 5:
            data[at:at] = data[at:end] * rng.choice((1, 2, 50))
        elif kind == 6:
            other = rng.choice(others)
            start = rng.randrange(len(other) + 1)
            data[at:end] = other[start : start + rng.choice((4, 32, 400))]
        elif kind == 7:
            del data[at:]
        else:
            data[at:end] = rng.choice(TOKENS)
    return bytes(data)


def peak() -> int:
    """The most memory that the process has had so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def is_readable(read: Callable[[Path], object], path: Path) -> bool:
    """Whether a good file is for this reader; the others only have to lie beside it."""
    try:
        read(path)
    except DemitasseError:
        return False
    return True


def main(name: str, seeds: Path, folder: Path, seconds: float, number: int) -> str:
    """Reads one damaged file after another, the good ones beside it; returns what came of it."""
    read, rng = READERS[name], random.Random(number)
    corpus = {path.name: path.read_bytes() for path in sorted(seeds.iterdir())}
    for other, raw in corpus.items():
        (folder / other).write_bytes(raw)
    readable = [other for other in corpus if is_readable(read, folder / other)]
    start, slowest, count, refused = peak(), 0.0, 0, 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        chosen = rng.choice(readable)
        path = folder / chosen
        path.write_bytes(damage(corpus[chosen], rng, list(corpus.values())))
        began = time.process_time()
        try:
            read(path)
        except DemitasseError:
            refused += 1
        except BaseException:
            traceback.print_exc()
            sys.exit(f"input: {path}")
        slowest = max(slowest, time.process_time() - began)
        if slowest > SLOWEST or peak() - start > MEGABYTES:
            sys.exit(f"{slowest} s, {peak() - start} MB: {path}")
        path.write_bytes(corpus[chosen])
        count += 1
    return (
        f"{name}: {count:,} files, {refused:,} refused, slowest {slowest:.2f} s, "
        f"{peak()} MB at most, {peak() - start} of them for reading"
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    name, seeds, folder, seconds, number = sys.argv[1:]
    print(main(name, Path(seeds), Path(folder), float(seconds), int(number)))
