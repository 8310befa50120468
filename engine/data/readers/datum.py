"""Databases of Datums, Caffe's form of a labelled image, in LMDB or LevelDB."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from google.protobuf.message import DecodeError

from engine.data.images import decode_image
from engine.data.labels import check_label
from engine.data.readers.base import Reader, Record
from engine.data.readers.keys import Keys
from engine.schema import Datum
from layers.blob import Array
from layers.errors import DemitasseError


class Database(Protocol):
    """Keys and values in order."""

    keys: Keys

    def item(self, record: int) -> tuple[bytes, bytes]:
        """Key and value of a record."""


class DatumReader(Reader):
    """The Datums of a database.

    Args:
        database: where they are.
        where: names the database in errors.
        color: whether encoded images become three channels or one; None leaves them.
    """

    def __init__(self, database: Database, where: str, color: bool | None = None):
        self._database, self._where, self._color = database, where, color

    def __len__(self) -> int:
        return len(self._database.keys)

    def read(self, record: int) -> Record:
        _, data, label = self.examine(record)
        return data, label

    def examine(self, record: int) -> tuple[Datum, Array, Array]:
        """The Datum of a record, and the values and the label in it.

        Raises:
            DemitasseError: as :meth:`read`.
        """
        key, value = self._database.item(record)
        where = self._named(key)
        datum = parse_datum(value, where)
        label = datum_label(datum)
        if datum.float_label:
            check_label(label, where)
        return datum, datum_data(datum, where, self._color), label

    def where(self, record: int) -> str:
        return self._named(self._database.item(record)[0])

    def datum(self, record: int) -> tuple[bytes, Datum]:
        """The key and the Datum of a record, not decoded.

        Raises:
            DemitasseError: the record is no Datum.
        """
        key, value = self._database.item(record)
        return key, parse_datum(value, self._named(key))

    def _named(self, key: bytes) -> str:
        return f'{self._where}, key "{key.decode(errors="backslashreplace")}"'


def parse_datum(value: bytes, where: str) -> Datum:
    """The Datum in the bytes of a value.

    Raises:
        DemitasseError: they are none.
    """
    try:
        return Datum.FromString(value)
    except DecodeError as problem:
        raise DemitasseError(
            "the record is not a Datum", where, f"{len(value)} bytes: {value[:8].hex(' ')}..."
        ) from problem


def datum_data(datum: Datum, where: str, color: bool | None = None) -> Array:
    """The values of a Datum, (C, H, W): bytes, or floats where it holds ``float_data``.

    Raises:
        DemitasseError: its image cannot be decoded, or its size is not what it declares.
    """
    if datum.encoded:
        return decode_image(datum.data, where, color)
    shape = (datum.channels, datum.height, datum.width)
    values: Array
    if datum.data:
        values = np.frombuffer(datum.data, np.uint8)
    else:
        values = np.array(datum.float_data, np.float32)
    if min(shape) < 1 or values.size != shape[0] * shape[1] * shape[2]:
        raise DemitasseError(
            "the Datum is damaged: its shape and its number of values disagree",
            where,
            f"shape {shape} and {values.size} values",
        )
    return values.reshape(shape)


def datum_label(datum: Datum) -> Array:
    """The label of a Datum: its float labels where it has some, else the class."""
    labels = datum.float_label
    if labels:
        return np.array(labels if len(labels) > 1 else labels[0], np.float32)
    return np.array(datum.label, np.float32)
