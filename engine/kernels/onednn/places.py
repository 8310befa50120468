"""Where OpenMP's threads run: each on a core of its own, where there are as many as cores.

Threads meet after every primitive, some sixty times in a step of LeNet. When another process wants
a core, the operating system may leave two of them on one, where each waits for the other: a step
took ten times as long then. A thread that is bound to its core shares it with that process, and
takes twice as long.

OpenMP binds its threads when it starts them, and for good the one that calls it. Here that one is
bound only while it computes: threads and processes that it starts would be bound as it is.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

from engine.kernels.onednn.library import find_library
from engine.kernels.onednn.threads import is_left_alone, openmp
from layers.kernels.threads import thread_count


class _Here(threading.local):
    """Of this thread.

    Attributes:
        outside: while it is bound, where it may run otherwise.
    """

    outside: Set[int] | None = None


_here = _Here()


@contextmanager
def on_own_core() -> Iterator[None]:
    """Around calls of oneDNN: this thread is on the first core, for the others have the rest."""
    places = _places()
    if places is None or _here.outside is not None or is_left_alone():
        yield
        return
    now = os.sched_getaffinity(0)
    outside = places.all if now == places.first else now  # there OpenMP may have left it
    if places.count == thread_count() and places.first <= now:
        _here.outside = outside
        _move(places.first)
    try:
        yield
    finally:
        _here.outside = None
        _move(outside)


@contextmanager
def on_any_core() -> Iterator[None]:
    """Inside of that, around what may start threads and processes of its own."""
    places, outside = _places(), _here.outside
    if places is None or outside is None:
        yield
        return
    _here.outside = None
    _move(outside)
    try:
        yield
    finally:
        _here.outside = outside
        _move(places.first)


@dataclass(frozen=True)
class _Places:
    """OpenMP's: how many, the cores of the one that calls it, and all cores of the process."""

    count: int
    first: Set[int]
    all: Set[int]


@cache
def _places() -> _Places | None:
    """None where OpenMP has not been told to bind its threads, or was there before."""
    library = find_library()
    if library is None or library.cores is None:
        return None
    c = openmp()
    count = c.omp_get_num_places()
    if not count:
        return None
    cores = (ctypes.c_int * c.omp_get_place_num_procs(0))()
    c.omp_get_place_proc_ids(0, cores)
    return _Places(count, set(cores), library.cores)


def _move(cores: Set[int]) -> None:
    try:
        os.sched_setaffinity(0, cores)
    except OSError:  # none of them is this process's any more
        return
