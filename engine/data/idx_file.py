"""Reads idx and idx.gz, the format in which MNIST is published."""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from layers.blob import Array
from layers.errors import DemitasseError

GZIP_MAGIC = b"\x1f\x8b"

# The third byte of a file gives the type of its elements; all are big-endian.
_TYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_MAX_AXES = 32
# Deflate cannot expand by more than this, so a file that declares more is lying.
MAX_EXPANSION = 1032


def is_idx(start: bytes) -> bool:
    """Whether a file that starts with these bytes is meant as idx: two zeros and a type."""
    return len(start) >= 3 and start[:2] == b"\0\0" and start[2] in _TYPES


def read_idx(path: Path) -> Array:
    """The array in an idx file, memory-mapped (read-only, big-endian as it is in the file).

    Raises:
        DemitasseError: the file is not idx, or its length is not what its header declares.
    """
    with open(path, "rb") as file:
        dtype, shape, offset = _read_header(file, path)
    held = os.path.getsize(path) - offset
    _check_length(path, dtype, shape, held)
    if held == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape)


def read_idx_gz(path: Path) -> Array:
    """The array in a gzipped idx file.

    Raises:
        DemitasseError: the file is not gzipped idx, is damaged, or its length is not what its
            header declares.
    """
    try:
        with gzip.open(path, "rb") as file:
            dtype, shape, offset = _read_header(file, path)
            size = math.prod(shape) * dtype.itemsize
            most = os.path.getsize(path) * MAX_EXPANSION
            if size > most:
                _check_length(path, dtype, shape, most, "at most ")
            # One byte more than declared: finds trailing bytes, and makes gzip check its sum.
            values = file.read(size + 1)
    except EOFError as problem:
        raise DemitasseError("the gzip file is truncated", str(path)) from problem
    except (gzip.BadGzipFile, zlib.error) as problem:
        raise DemitasseError(f"the gzip file is damaged: {problem}", str(path)) from problem
    _check_length(path, dtype, shape, len(values), "at least " if len(values) > size else "")
    return np.frombuffer(values, dtype).reshape(shape)


def _read_header(
    file: IO[bytes] | gzip.GzipFile, path: Path
) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Element type, shape and the offset of the first element."""
    magic = file.read(4)
    if len(magic) < 4 or not is_idx(magic):
        raise DemitasseError(
            "this is not an idx file",
            str(path),
            got=f"it starts with {magic.hex(' ') or 'nothing'}",
            expected="00 00, a type (08, 09, 0b, 0c, 0d or 0e), the number of axes",
        )
    axes = magic[3]
    if axes > _MAX_AXES:
        raise DemitasseError(
            "the idx header declares too many axes", str(path), str(axes), f"at most {_MAX_AXES}"
        )
    lengths = file.read(4 * axes)
    if len(lengths) < 4 * axes:
        raise DemitasseError(
            "the idx file is truncated within its header",
            str(path),
            got=f"{4 + len(lengths)} bytes",
            expected=f"{4 + 4 * axes}, for {axes} axes",
        )
    return _TYPES[magic[2]], struct.unpack(f">{axes}I", lengths), 4 + 4 * axes


def _check_length(
    path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], held: int, about: str = ""
) -> None:
    size = math.prod(shape) * dtype.itemsize
    if held != size:
        raise DemitasseError(
            "the idx file is truncated" if held < size else "the idx file is too long",
            str(path),
            got=f"{about}{held} bytes of values",
            expected=f"{size}, for shape {shape} of {dtype.name}",
        )
