"""The matrix library that NumPy was built with, and how many threads it takes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

# How OpenBLAS names its functions: plain, with 64-bit indices, and in NumPy's own wheels.
_SPELLINGS = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")


class MatrixLibrary:
    """OpenBLAS, as far as its number of threads goes."""

    def __init__(self, get: Callable[[], int], put: Callable[[int], None]):
        self._get, self._put = get, put

    @property
    def threads(self) -> int:
        """How many threads a product may take."""
        return self._get()

    @threads.setter
    def threads(self, count: int) -> None:
        self._put(count)


def find_library() -> MatrixLibrary | None:
    """OpenBLAS as it is loaded in this process; None where NumPy has another library."""
    for library in loaded_libraries():
        for spelling in _SPELLINGS:
            get = getattr(library, spelling.format("get_num_threads"), None)
            put = getattr(library, spelling.format("set_num_threads"), None)
            if get is not None and put is not None:
                get.restype, put.argtypes, put.restype = ctypes.c_int, [ctypes.c_int], None
                return MatrixLibrary(get, put)
    return None


def loaded_libraries() -> Iterator[ctypes.CDLL]:
    """What may be NumPy's matrix library, opened."""
    for path in _loaded():
        try:
            yield ctypes.CDLL(path)
        except OSError:
            continue


def _loaded() -> list[str]:
    """The files that may be it: those in memory, where the system tells, else NumPy's own."""
    maps = Path("/proc/self/maps")
    if maps.exists():
        found = {line.split()[-1] for line in maps.read_text().splitlines() if "blas" in line}
        return sorted(path for path in found if path.startswith("/"))
    home = Path(np.__file__).parent
    folders = (home.parent / "numpy.libs", home / ".dylibs")
    return [str(path) for folder in folders for path in sorted(folder.glob("*openblas*"))]
