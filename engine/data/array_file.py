"""Reads an array of numbers from .npy, .npz, idx or idx.gz; what a file is, its bytes say."""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.data.idx_file import GZIP_MAGIC, MAX_EXPANSION, is_idx, read_idx, read_idx_gz
from layers.blob import Array
from layers.errors import DemitasseError, did_you_mean

_NPY_MAGIC = b"\x93NUMPY"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
# What zipfile raises on damaged archives (RuntimeError: encrypted ones).
_ZIP_PROBLEMS = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, struct.error)


def read_array(path: Path | str, key: str = "") -> Array:
    """The array in a file; read-only, and memory-mapped where the format allows it.

    Args:
        path: an .npy, .npz, idx or idx.gz file.
        key: which array of an .npz; may be empty when there is just one.

    Raises:
        DemitasseError: the file is missing, damaged, of another kind, or not of numbers.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            start = file.read(8)
        if start.startswith(_ZIP_MAGICS):
            return _read_npz(path, key)
        if key:
            raise DemitasseError(
                "only an .npz file has keys", str(path), f'"{key}"', hint="leave the key out"
            )
        if start.startswith(_NPY_MAGIC):
            return _read_npy(path)
        if start.startswith(GZIP_MAGIC):
            return read_idx_gz(path)
        if is_idx(start):
            return read_idx(path)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise DemitasseError(f"cannot be read: {reason}", str(path)) from problem
    raise DemitasseError(
        "this is not a file of arrays" if start else "the file is empty",
        str(path),
        got=f"it starts with {start.hex(' ')}" if start else "",
        expected="an .npy, .npz, idx or idx.gz file",
    )


def _read_npy(path: Path) -> Array:
    with open(path, "rb") as file:
        shape, fortran_order, dtype = _read_header(file, str(path))
        offset = file.tell()
    held = os.path.getsize(path) - offset
    _check_length(str(path), shape, dtype, held)
    if math.prod(shape) == 0:
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", offset, shape, "F" if fortran_order else "C")


def npz_keys(path: Path) -> list[str]:
    """The names of the arrays in an .npz, sorted; none for a file of another kind.

    Raises:
        DemitasseError: the file is damaged.
    """
    with open(path, "rb") as file:
        if not file.read(4).startswith(_ZIP_MAGICS):
            return []
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(_members(archive))
    except _ZIP_PROBLEMS as problem:
        raise DemitasseError(f"the .npz file is damaged: {problem}", str(path)) from problem


def _read_npz(path: Path, key: str) -> Array:
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            key = _choose(path, sorted(members), key)
            return _read_member(archive, archive.getinfo(members[key]), f'{path}, key "{key}"')
    except _ZIP_PROBLEMS as problem:
        raise DemitasseError(f"the .npz file is damaged: {problem}", str(path)) from problem


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, where: str) -> Array:
    """One array of an .npz, read only when what it declares can be in the file."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DemitasseError("the array is compressed in a way that NumPy never writes", where)
    stored = info.compress_type == zipfile.ZIP_STORED
    most = min(info.file_size, info.compress_size * (1 if stored else MAX_EXPANSION))
    with archive.open(info) as file:
        shape, fortran_order, dtype = _read_header(file, where)
        _check_length(where, shape, dtype, most - file.tell())
        size = math.prod(shape) * dtype.itemsize
        values = file.read(size)
        _check_length(where, shape, dtype, len(values))
        file.read(1)  # at the end of a member zipfile compares its checksum
    return np.frombuffer(values, dtype).reshape(shape, order="F" if fortran_order else "C")


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """The files of an .npz by the names of their arrays."""
    return {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}


def _choose(path: Path, keys: list[str], key: str) -> str:
    """The key to read: the one asked for, else the only one there is."""
    if key in keys:
        return key
    if not key and len(keys) == 1:
        return keys[0]
    if not keys:
        raise DemitasseError("the .npz file holds no arrays", str(path))
    raise DemitasseError(
        f'the .npz file has no key "{key}"' if key else "the .npz file holds several arrays",
        str(path),
        got="" if key else "no key",
        expected="one of " + ", ".join(keys),
        hint=did_you_mean(key, keys) if key else "",
    )


def _read_header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether in Fortran order, and element type, as an .npy header declares them."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, fortran_order, dtype = np.lib.format.read_array_header_2_0(file)
        else:  # NumPy writes (3, 0) only for structured arrays, which are refused below anyway.
            raise ValueError(f"version {version} of the format is for structured arrays")
    except (zipfile.BadZipFile, zlib.error):
        raise
    except Exception as problem:  # the parser lets out half a dozen kinds, down to TokenError
        raise DemitasseError(f"the .npy header is damaged: {problem}", where) from problem
    if dtype.kind not in "biuf" or dtype.hasobject:
        raise DemitasseError(
            "the array does not hold numbers", where, str(dtype), "integers, floats or booleans"
        )
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise DemitasseError("the .npy header declares an impossible shape", where, str(shape))
    return shape, fortran_order, dtype


def _check_length(where: str, shape: tuple[int, ...], dtype: np.dtype[Any], held: int) -> None:
    size = math.prod(shape) * dtype.itemsize
    if held < size:
        raise DemitasseError(
            "the array is truncated",
            where,
            got=f"{max(held, 0)} bytes of values",
            expected=f"{size}, for shape {shape} of {dtype.name}",
        )
