"""Threads: layers share their loops out among a team; NumPy's matrix library works inside it.

NumPy itself computes in one thread, except for its matrix products, and most of those are too
small to gain from several. So the batch is divided instead: each thread of the team takes its
images through copies, products and sums, while they stay in its core's cache. The matrix
library then runs at one thread, for its own waiting threads would slow the team down.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Generic, TypeVar

from layers.blob import Array
from layers.kernels.matrix_library import MatrixLibrary, find_library
from layers.kernels.processors import physical_cores

Result = TypeVar("Result")

# Elements or so: to wake a thread takes as long as to compute with this many.
WORTH = 1 << 15
# Elements of a piece of an array: with one or two temporaries it stays in the cache.
BLOCK = 1 << 15
# So many operations of a matrix product take as long as one element of anything else.
OPERATIONS = 64


class _Team:
    """The threads that wait for work, and how many may compute at a time."""

    def __init__(self) -> None:
        self.library: MatrixLibrary | None = find_library()
        # Without a say over the matrix library's threads, it keeps them and we take none.
        limit = self.library.threads if self.library else 1
        self.size = max(1, min(limit, physical_cores()))
        self._tasks: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._started = 0
        self._cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
        self._lock = threading.Lock()
        self._users, self._before = 0, 1

    def submit(self, task: Callable[[], None]) -> None:
        """Has one of the other threads run the task."""
        if self._started < self.size - 1:
            with self._lock:
                while self._started < self.size - 1:
                    self._started += 1
                    threading.Thread(target=self._serve, name="demitasse", daemon=True).start()
        self._tasks.put(task)

    def enter(self) -> None:
        """The first to come sets the matrix library to one thread."""
        if self.library is None:
            return
        with self._lock:
            if self._users == 0:
                self._before = self.library.threads
                self.library.threads = 1
            self._users += 1

    def leave(self) -> None:
        """The last to go gives the matrix library its threads back."""
        if self.library is None:
            return
        with self._lock:
            self._users -= 1
            if self._users == 0:
                self.library.threads = self._before

    def _serve(self) -> None:
        _here.serving = True
        if self._cores:  # whoever started this thread may be bound to one core for the moment
            with suppress(OSError):
                os.sched_setaffinity(0, self._cores)
        while True:
            self._tasks.get()()


class _Here(threading.local):
    serving = False


_here = _Here()
_team: _Team | None = None


def _get_team() -> _Team:
    global _team
    if _team is None:
        _team = _Team()
    return _team


def _renew_team() -> None:
    """Threads do not survive a fork; how many there are to be does."""
    global _team
    if _team is not None:
        before, _team = _team, _Team()
        _team.size = before.size
    _here.serving = False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_team)


def thread_count() -> int:
    """How many threads compute: as many as the machine has cores, unless told otherwise."""
    return _get_team().size


def set_thread_count(count: int) -> bool:
    """Sets how many threads compute; False if this NumPy's matrix library cannot be told."""
    team = _get_team()
    if team.library is None:
        return False
    team.size = max(1, count)
    return True


@contextmanager
def computing() -> Iterator[None]:
    """Around a pass through a net: the team computes, the matrix library runs at one thread."""
    team = _get_team()
    team.enter()
    try:
        yield
    finally:
        team.leave()


def share(work: Callable[[slice], Result], length: int, size: int) -> list[Result]:
    """Runs ``work`` on slices that make up ``range(length)``, one in each thread.

    Args:
        work: must not mind in which thread it runs, nor what the other slices do.
        length: of what is divided.
        size: elements that are computed with in all; little work stays in this thread.

    Returns:
        what ``work`` returned, in the order of the slices.
    """
    count = 1 if _here.serving else min(thread_count(), length, max(1, size // WORTH))
    if count <= 1:
        return [work(slice(0, length))]
    ends = [length * i // count for i in range(count + 1)]
    with computing():
        return _run([_Part(work, slice(*pair)) for pair in zip(ends, ends[1:], strict=False)])


def pieces(part: slice, step: int) -> Iterator[slice]:
    """The part in pieces of at most ``step``, for work that is to stay in the cache."""
    for first in range(part.start, part.stop, step):
        yield slice(first, min(first + step, part.stop))


def blockwise(work: Callable[..., None], *arrays: Array) -> None:
    """Runs ``work`` on pieces of arrays of one size, each piece small enough for the cache.

    Args:
        work: computes element by element; gets a flat piece of each array.
        arrays: contiguous.
    """
    flat = [array.reshape(-1) for array in arrays]

    def some(part: slice) -> None:
        for piece in pieces(part, BLOCK):
            work(*[array[piece] for array in flat])

    share(some, flat[0].size, flat[0].size)


class _Part(Generic[Result]):
    """One slice of the work, and what comes of it."""

    def __init__(self, work: Callable[[slice], Result], part: slice):
        self._work, self._part = work, part
        self._done: SimpleQueue[None] = SimpleQueue()
        self._result: list[Result] = []
        self._problem: BaseException | None = None
        self._ended = False

    def run(self) -> None:
        """Computes, in whatever thread this is."""
        try:
            self._result.append(self._work(self._part))
        except BaseException as problem:  # the thread that waits is to see it
            self._problem = problem
        self._done.put(None)

    def wait(self) -> None:
        """Returns when the work has ended, well or not."""
        if not self._ended:
            self._done.get()
            self._ended = True

    def result(self) -> Result:
        """What came of it, once it is there; raises what the work raised."""
        self.wait()
        if self._problem is not None:
            raise self._problem
        return self._result[0]


def _run(parts: list[_Part[Result]]) -> list[Result]:
    """The first part here, the others in the team."""
    for part in parts[1:]:
        _get_team().submit(part.run)
    _here.serving = True  # what this part would share out finds everyone busy
    parts[0].run()
    _here.serving = False
    try:
        return [part.result() for part in parts]
    finally:
        # Nobody may go on while another thread still writes: arrays would change under them.
        for part in parts:
            part.wait()
