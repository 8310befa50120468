"""Finds oneDNN's shared library and opens it; without it, there is no fast engine."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from layers.errors import DemitasseError

PACKAGE = "onednn-cpu-gomp"
VARIABLE = "DEMITASSE_ONEDNN"

# OpenMP's threads wait for the next primitive by spinning. Primitives follow each other within
# microseconds; who waits longer gives its core to NumPy's threads, and to other processes.
_SPINS = "20000"


@dataclass(frozen=True)
class Library:
    """oneDNN, opened.

    Args:
        c: its functions.
        path: where it was found.
        version: of the library.
    """

    c: ctypes.CDLL
    path: str
    version: tuple[int, int, int]


@cache
def find_library() -> Library | None:
    """oneDNN: that of the environment variable, of the package, or of the system; else None.

    Raises:
        DemitasseError: the environment variable names something else.
    """
    named = os.environ.get(VARIABLE)
    if named:
        library = _open(named)
        if library is None:
            raise DemitasseError(
                f"{VARIABLE} does not name a oneDNN library of version 3", got=named
            )
        return library
    for path in (_in_package(), ctypes.util.find_library("dnnl")):
        library = _open(path) if path else None
        if library is not None:
            return library
    return None


def _in_package() -> str | None:
    try:
        listed = files(PACKAGE) or []
    except PackageNotFoundError:
        return None
    for file in listed:
        if file.name == "libdnnl.so.3":
            return str(Path(str(file.locate())).resolve())
    return None


def _open(path: str) -> Library | None:
    os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
    try:
        c = ctypes.CDLL(path)
        version = _version(c)
    except (OSError, AttributeError):
        return None
    return Library(c, path, version) if version[0] == 3 else None


def _version(c: ctypes.CDLL) -> tuple[int, int, int]:
    class Version(ctypes.Structure):
        _fields_ = [(part, ctypes.c_int) for part in ("major", "minor", "patch")]

    c.dnnl_version.restype = ctypes.POINTER(Version)
    found = c.dnnl_version().contents
    return found.major, found.minor, found.patch
