"""Every record of a source once, in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from engine.data.readers import Reader
from engine.data.readers.datum import DatumReader
from engine.errors import MissingDependency
from engine.schema import Datum
from layers.blob import Array
from layers.errors import DemitasseError
from tools.datasets.ahead import ahead

_CHUNK = 32  # records that a thread reads at a time

_FORMATS = {b"\xff\xd8": "JPEG", b"\x89PNG": "PNG", b"BM": "BMP", b"RIFF": "WebP"}


class Sample(NamedTuple):
    """A record: its values, its label if it has one, and, in databases, how it is stored."""

    record: int
    data: Array
    label: Array | None = None
    stored: str = ""


class BadSample(NamedTuple):
    """A record that cannot be read, and why."""

    record: int
    problem: DemitasseError


def samples(reader: Reader, records: Sequence[int] | None = None) -> Iterator[Sample | BadSample]:
    """The records by their numbers; all of them without any."""
    wanted = range(len(reader)) if records is None else records
    chunks = [wanted[start : start + _CHUNK] for start in range(0, len(wanted), _CHUNK)]

    def read(chunk: Sequence[int]) -> list[Sample | BadSample]:
        return [_read(reader, record) for record in chunk]

    for made in ahead(read, chunks) if reader.workers is None else map(read, chunks):
        yield from made


def good_samples(reader: Reader) -> Iterator[Sample]:
    """All records, of which none may be bad.

    Raises:
        DemitasseError: one is.
    """
    for sample in samples(reader):
        if isinstance(sample, BadSample):
            raise sample.problem
        yield sample


def _read(reader: Reader, record: int) -> Sample | BadSample:
    try:
        if isinstance(reader, DatumReader):
            datum, data, label = reader.examine(record)
            return Sample(record, data, label, _stored(datum))
        data, *labels = reader.read(record)
        return Sample(record, data, labels[0] if labels else None)
    except MissingDependency:
        raise  # no fault of the record's
    except DemitasseError as problem:
        return BadSample(record, problem)


def _stored(datum: Datum) -> str:
    """How a Datum holds its values, in a word."""
    if datum.encoded:
        known = (name for start, name in _FORMATS.items() if datum.data.startswith(start))
        return f"encoded, {next(known, 'another format')}"
    return "raw bytes" if datum.data else "floats"
