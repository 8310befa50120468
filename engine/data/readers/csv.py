"""Tables of numbers as text."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.data.labels import finite_number, is_finite, is_number
from engine.data.order import Indices
from engine.data.readers.base import Reader, Record
from layers.blob import Array
from layers.errors import DemitasseError, did_you_mean

# Text of numbers shrinks to a tenth, or a fiftieth where most are zeros; small files to less.
_ZIPPED_ROOM, _ZIPPED_TIMES = 2**25, 100


class CSVReader(Reader):
    """The rows of a table, all in memory.

    Args:
        path: a .csv file, or a gzipped one.
        labels: names or numbers of the label columns.
        columns: those of the data; all others without any.
        delimiter: between columns.
        shape: of a sample; () for one axis.
    """

    workers = 0

    def __init__(
        self,
        path: Path,
        labels: Sequence[str] = (),
        columns: Sequence[str] = (),
        delimiter: str = ",",
        shape: tuple[int, ...] = (),
    ):
        self._path, self._delimiter = path, delimiter
        lines = _lines(path)
        rows = [(n, line) for n, line in enumerate(lines, start=1) if line.strip()]
        self._header = self._read_header(rows)
        if not rows:
            raise DemitasseError("the table holds no rows", str(path))
        self._width = len(self._split(rows[0][1]))
        self.known_bad: dict[int, DemitasseError] = {}
        table = self._read_table(rows)
        label_numbers = [self._column(name) for name in labels]
        data_numbers = [self._column(name) for name in columns] or [
            number for number in range(self._width) if number not in label_numbers
        ]
        data = table[:, data_numbers]
        self._data = data.reshape(len(data), *shape) if _fits(data, shape, path) else data
        self._labels = table[:, label_numbers[0] if len(label_numbers) == 1 else label_numbers]
        self.has_labels = bool(label_numbers)

    def __len__(self) -> int:
        return len(self._data)

    def read(self, record: int) -> Record:
        if record in self.known_bad:
            raise self.known_bad[record]
        return self._data[record], np.asarray(self._labels[record])

    def read_many(self, records: Indices) -> Record | None:
        return None if self.known_bad else (self._data[records], self._labels[records])

    def _split(self, line: str) -> list[str]:
        try:
            return next(csv.reader([line], delimiter=self._delimiter, skipinitialspace=True))
        except csv.Error as problem:
            raise DemitasseError(
                f"a row cannot be taken apart: {problem}", str(self._path), f'"{line[:40]}..."'
            ) from problem

    def _read_header(self, rows: list[tuple[int, str]]) -> list[str]:
        """The names of the columns; takes the first row away where it has no number at all."""
        words = [word.strip() for word in self._split(rows[0][1])] if rows else []
        if not words or any(is_number(word) for word in words):
            return []
        del rows[0]
        return words

    def _read_table(self, rows: list[tuple[int, str]]) -> Array:
        lines = [line for _, line in rows]
        try:
            table = np.loadtxt(lines, np.float64, None, delimiter=self._delimiter, ndmin=2)
            if is_finite(table):
                return table
        except ValueError:
            pass  # the slow way finds the line and the cause
        table = np.zeros((len(rows), self._width))
        for record, (number, line) in enumerate(rows):
            try:
                table[record] = self._read_row(line, f"{self._path}:{number}")
            except DemitasseError as problem:
                self.known_bad[record] = problem
        return table

    def _read_row(self, line: str, where: str) -> Array:
        words = self._split(line)
        if len(words) != self._width:
            raise DemitasseError(
                "the row has another length", where, f"{len(words)} columns", f"{self._width}"
            )
        values = [finite_number(word) for word in words]
        if None in values:
            number = values.index(None)
            where = f"{where}, column {self._name(number)}"
            raise DemitasseError("the value is not a number", where, f'"{words[number]}"')
        return np.array(values, np.float64)

    def _name(self, number: int) -> str:
        return f'"{self._header[number]}"' if number < len(self._header) else str(number)

    def _other_delimiter(self) -> str:
        """A hint, where the header is one name that other delimiters would cut."""
        if len(self._header) != 1:
            return ""
        found = next((mark for mark in ";\t|," if mark in self._header[0]), "")
        shown = found.replace("\t", "\\t")
        return f'set csv_data_param.delimiter: "{shown}"' if found else ""

    def _column(self, name: str) -> int:
        """The number of a column.

        Raises:
            DemitasseError: there is no such column.
        """
        if name in self._header:
            return self._header.index(name)
        try:
            number = int(name)
        except ValueError:
            number = self._width
        if not -self._width <= number < self._width:
            known = ", ".join(self._header) or "no header"
            raise DemitasseError(
                f'there is no column "{name}"',
                str(self._path),
                expected=f"{known}; or 0 to {self._width - 1}, or -1 for the last",
                hint=self._other_delimiter() or did_you_mean(name, self._header),
            )
        return number % self._width


def _lines(path: Path) -> list[str]:
    """The lines of a text file, unzipped if need be."""
    try:
        raw = path.read_bytes()
        if raw.startswith(b"\x1f\x8b"):
            raw = _unzipped(raw, path)
        return raw.decode("utf-8-sig").splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as problem:
        raise DemitasseError(f"this is not a readable table: {problem}", str(path)) from problem


def _unzipped(raw: bytes, path: Path) -> bytes:
    most = _ZIPPED_ROOM + _ZIPPED_TIMES * len(raw)
    with gzip.open(io.BytesIO(raw)) as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise DemitasseError(
            "the table unpacks to more than numbers do", str(path), f"over {most:,} bytes"
        )
    return text


def _fits(data: Array, shape: tuple[int, ...], path: Path) -> bool:
    if shape and int(np.prod(shape)) != data.shape[1]:
        raise DemitasseError(
            "the columns do not fill csv_data_param.shape",
            str(path),
            f"{data.shape[1]} columns of data",
            f"{int(np.prod(shape))}, for shape {shape}",
        )
    return bool(shape)
