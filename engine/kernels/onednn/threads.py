"""The number of threads that primitives are made for and run in."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from engine.kernels.onednn.calls import functions


def use_threads(count: int) -> None:
    """Has OpenMP use so many threads for what this thread starts."""
    openmp().omp_set_num_threads(count)


@contextmanager
def one_thread(count: int) -> Iterator[None]:
    """Inside, primitives are made for one thread; afterwards for ``count`` again."""
    use_threads(1)
    try:
        yield
    finally:
        use_threads(count)


@cache
def openmp() -> ctypes.CDLL:
    """OpenMP's own functions."""
    functions()  # brings the OpenMP that it needs with it
    return ctypes.CDLL("libgomp.so.1")
