"""Finds oneDNN's shared library and opens it; without it, there is no fast engine."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from layers.errors import DemitasseError
from layers.kernels.processors import physical_cores
from layers.kernels.threads import thread_count

PACKAGE = "onednn-cpu-gomp"
VARIABLE = "DEMITASSE_ONEDNN"

# OpenMP's threads wait for the next primitive by spinning. Primitives follow each other within
# microseconds; who waits longer gives its core to NumPy's threads, and to other processes.
_SPINS = "20000"
_BINDING = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
_WHERE = (*_BINDING, "GOMP_CPU_AFFINITY")


@dataclass(frozen=True)
class Library:
    """oneDNN, opened.

    Args:
        c: its functions.
        path: where it was found.
        version: of the library.
        cores: of the process, where OpenMP was told to bind each of its threads to one.
    """

    c: ctypes.CDLL
    path: str
    version: tuple[int, int, int]
    cores: frozenset[int] | None = None


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
    cores = _cores_to_bind()
    try:
        with _binding(cores):
            c = ctypes.CDLL(path)
        version = _version(c)
    except (OSError, AttributeError):
        return None
    return Library(c, path, version, cores) if version[0] == 3 else None


def _cores_to_bind() -> frozenset[int] | None:
    """The process's, if threads are to be bound: the user has not said where they run, and they
    are as many as cores, for two processes of few threads would have the same ones."""
    if any(name in os.environ for name in _WHERE) or not hasattr(os, "sched_setaffinity"):
        return None
    return frozenset(os.sched_getaffinity(0)) if thread_count() == physical_cores() else None


@contextmanager
def _binding(cores: frozenset[int] | None) -> Iterator[None]:
    """Around the loading of OpenMP, which reads its settings then, and binds this thread at once;
    see ``places.py``."""
    if cores is None:
        yield
        return
    os.environ.update(_BINDING)
    try:
        yield
    finally:
        for name in _BINDING:
            del os.environ[name]
        os.sched_setaffinity(0, cores)


def _version(c: ctypes.CDLL) -> tuple[int, int, int]:
    class Version(ctypes.Structure):
        _fields_ = [(part, ctypes.c_int) for part in ("major", "minor", "patch")]

    c.dnnl_version.restype = ctypes.POINTER(Version)
    found = c.dnnl_version().contents
    return found.major, found.minor, found.patch
