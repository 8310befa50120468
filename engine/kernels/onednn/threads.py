"""The number of threads that primitives are made for and run in."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from engine.kernels.onednn.calls import functions

_forked = False


def use_threads(count: int) -> None:
    """Has OpenMP use so many threads for what this thread starts; one, where it is left alone."""
    openmp().omp_set_num_threads(1 if _forked else count)


def is_left_alone() -> bool:
    """Whether this process was forked from one in which OpenMP had started its threads.

    They stay behind, but OpenMP would wait for them: so it must not be asked for any.
    """
    return _forked


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


def _leave_alone() -> None:
    """In a process that has just been forked: what was made for many threads runs in one."""
    global _forked
    if openmp.cache_info().currsize:
        _forked = True
        openmp().omp_set_max_active_levels(0)
        use_threads(1)


os.register_at_fork(after_in_child=_leave_alone)
