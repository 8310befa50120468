"""CIFAR-10's archive as the databases that Caffe's examples train on."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from engine.data.writers import new_database
from engine.schema import Datum
from engine.snapshot.atomic import write_atomically
from layers.errors import DemitasseError
from tools.console.bar import bar
from tools.datasets.mean import ImageMean, mean_blob
from tools.datasets.samples import good_samples
from tools.datasets.source import open_source

_CHANNELS, _SIDE, _CLASSES = 3, 32, 10
_PIXELS = _CHANNELS * _SIDE * _SIDE
_RECORD = 1 + _PIXELS  # a byte for the label, then the pixels: red, green, blue

_BATCHES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}


def outputs(folder: Path, backend: str) -> dict[str, Path]:
    """What is made in a folder: the databases, and the mean of the first."""
    made = {part: folder / f"cifar10_{part}_{backend}" for part in _BATCHES}
    return {**made, "mean": folder / "mean.binaryproto"}


def convert(archive: Path, folder: Path, backend: str) -> None:
    """Makes what is not there yet, each part whole or not at all.

    Keys and Datums are those of Caffe's convert_cifar_data: pixels stay red, green, blue.

    Raises:
        DemitasseError: the archive is no such one, or something cannot be written.
    """
    made = outputs(folder, backend)
    for part in _BATCHES:
        if not made[part].exists():
            _convert_part(archive, part, made[part], backend)
    if not made["mean"].exists():
        mean = ImageMean(str(made["train"]))
        source = open_source(str(made["train"]))
        with bar(len(source.reader), " images", desc=made["mean"].name) as progress:
            for _ in mean.add(good_samples(source.reader)):
                progress.update()
        write_atomically(made["mean"], mean_blob(mean.image).SerializeToString())


def _convert_part(archive: Path, part: str, path: Path, backend: str) -> None:
    with new_database(path, backend) as database, bar(None, " images", desc=path.name) as progress:
        for number, datum in enumerate(_datums(archive, part)):
            database.put(b"%05d" % number, datum.SerializeToString())
            progress.update()


def _datums(archive: Path, part: str) -> Iterator[Datum]:
    """The records of a part, in the order of its batches."""
    for data in _batches(archive, part):
        for start in range(0, len(data), _RECORD):
            label, pixels = data[start], data[start + 1 : start + _RECORD]
            if len(pixels) != _PIXELS or label >= _CLASSES:
                raise DemitasseError(
                    "the batch is damaged", f"{archive}, byte {start}", f"label {label}"
                )
            yield Datum(channels=_CHANNELS, height=_SIDE, width=_SIDE, data=pixels, label=label)


def _batches(archive: Path, part: str) -> Iterator[bytes]:
    """The files of a part, one after the other."""
    try:
        with tarfile.open(archive) as tar:
            members = {Path(member.name).name: member for member in tar if member.isfile()}
            for name in _BATCHES[part]:
                file = tar.extractfile(members[name]) if name in members else None
                if file is None:
                    raise DemitasseError(f"there is no {name} in the archive", str(archive))
                yield file.read()
    except (tarfile.TarError, zlib.error, EOFError) as problem:
        raise DemitasseError(f"the archive is damaged: {problem}", str(archive)) from problem
