"""BlobProto to array and back, at memory speed, with every size checked."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from engine.schema import BlobProto
from layers.blob import Array
from layers.errors import DemitasseError

_LEGACY = ("num", "channels", "height", "width")
_FIELDS = {"data": 5, "diff": 6, "double_data": 8, "double_diff": 9}
_LENGTH_DELIMITED = 2
_MOST_AXES = 32  # as Caffe


def read_blob(proto: BlobProto, where: str = "blob") -> Array:
    """The values of a BlobProto, in its shape (four axes for Caffe's oldest files).

    Raises:
        DemitasseError: the shape does not agree with the number of values.
    """
    name = "double_data" if proto.double_data else "data"
    values = _numbers(proto, name)
    shape = blob_shape(proto)
    if len(shape) > _MOST_AXES:
        raise DemitasseError(
            "damaged blob: too many axes", where, str(len(shape)), f"{_MOST_AXES} or fewer"
        )
    if any(length < 0 for length in shape) or math.prod(shape) != values.size:
        raise DemitasseError(
            "damaged blob: shape and number of values disagree",
            where,
            f"shape {shape} and {values.size} values",
        )
    return values.reshape(shape)


def blob_shape(proto: BlobProto) -> tuple[int, ...]:
    """The shape a BlobProto declares, by its ``shape`` or its four legacy fields."""
    if is_legacy(proto):
        return tuple(getattr(proto, name) for name in _LEGACY)
    return tuple(proto.shape.dim)


def is_legacy(proto: BlobProto) -> bool:
    """Whether the blob has the four fixed axes that Caffe wrote before ``shape``."""
    return any(proto.HasField(name) for name in _LEGACY)


def fit_legacy(array: Array, shape: tuple[int, ...]) -> Array:
    """A four-axis legacy array without the leading axes of length 1 that ``shape`` lacks."""
    padded = (1,) * (4 - len(shape)) + tuple(shape)
    return array.reshape(shape) if array.shape == padded else array


def write_blob(data: Array, diff: Array | None = None) -> BlobProto:
    """A BlobProto with the array's shape and values (and gradient, where one is given)."""
    suffix = "double_" if data.dtype == np.float64 else ""
    proto = BlobProto.FromString(_packed(_FIELDS[f"{suffix}data"], data))
    if diff is not None:
        proto.MergeFrom(BlobProto.FromString(_packed(_FIELDS[f"{suffix}diff"], diff)))
    proto.shape.dim.extend(data.shape)
    return proto


def _numbers(proto: BlobProto, name: str) -> Array:
    """A packed field as an array.

    A repeated field hands its numbers to Python one by one; serialised on its own it is a
    tag, a length and the bytes as they lie in memory, some thirty times faster to take.
    """
    dtype = np.float64 if name.startswith("double") else np.float32
    numbers = getattr(proto, name)
    if not numbers:
        return np.empty(0, dtype)
    alone = BlobProto()
    getattr(alone, name).MergeFrom(numbers)
    raw = alone.SerializeToString()
    size = len(numbers) * np.dtype(dtype).itemsize
    return np.frombuffer(raw, dtype, offset=len(raw) - size).copy()


def _packed(field: int, array: Array) -> bytes:
    raw = np.ascontiguousarray(array).tobytes()
    return bytes([field << 3 | _LENGTH_DELIMITED, *_varint(len(raw))]) + raw


def _varint(number: int) -> Iterable[int]:
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number
