"""Prefetcher: batches made ahead of the training that takes them."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable, Sequence

from engine.data.batches import Batch, Cancelled
from layers.blob import Array

Make = Callable[[int, Sequence[Array], Callable[[], bool]], Batch]

_PATIENCE = 0.5  # seconds: more than a sample takes

_live: weakref.WeakSet[_Queue] = weakref.WeakSet()


class Prefetcher:
    """Gives batches in order, made by threads of its own.

    Each thread makes whole batches, and a batch depends on its position only, so how many
    threads there are changes nothing but the time. Threads, not processes: OpenCV, LMDB and
    NumPy let go of the interpreter's lock while they work, and a batch need not be copied from
    one process to another (figures in docs/data.md).

    Args:
        make: makes the batch at a position.
        step: by how many positions one batch is after the other.
        depth: batches that may be ready or being made, which bounds the memory.
        threads: how many there are.
    """

    def __init__(self, make: Make, step: int, depth: int, threads: int):
        self._queue = _Queue(make, step, depth)
        for number in range(min(threads, depth)):
            thread = threading.Thread(
                target=_work, args=(self._queue,), name=f"prefetch-{number}", daemon=True
            )
            self._queue.threads.append(thread)
            thread.start()
        _live.add(self._queue)
        # The threads hold the queue only, so a net that nobody uses any more ends them. It does
        # not wait for long: it may be freed in the middle of anything, with locks held that the
        # threads want.
        self._let_go = weakref.finalize(self, self._queue.close, _PATIENCE)

    def close(self) -> None:
        """Ends the threads; returns when each has left the sample it was at."""
        self._let_go()
        self._queue.close()

    def take(self, position: int) -> Batch:
        """The batch at a position; one that does not follow the last starts the queue anew.

        Raises:
            Exception: what making this very batch raised.
        """
        return self._queue.take(position)

    def give_back(self, arrays: list[Array]) -> None:
        """Hands over arrays that are no longer needed, to be written again."""
        self._queue.recycle(arrays)


class _Queue:
    """What the threads and the taker share."""

    def __init__(self, make: Make, step: int, depth: int):
        self._make, self._step, self._depth = make, step, depth
        self._changed = threading.Condition()
        self._run = 0  # a new number whenever the queue starts anew
        self._next = self._taken = 0
        self._done: dict[int, Batch | BaseException] = {}
        self._spare: list[list[Array]] = []
        self._started = self._closed = False
        self.threads: list[threading.Thread] = []

    def take(self, position: int) -> Batch:
        with self._changed:
            if not self._started or position != self._taken:
                self._started = True
                self._run += 1
                self._next = self._taken = position
                self._done.clear()
                self._changed.notify_all()
            while position not in self._done:
                if self._closed:
                    raise RuntimeError("the prefetcher is closed")
                self._changed.wait()
            result = self._done.pop(position)
            self._taken += self._step
            self._changed.notify_all()
        if isinstance(result, BaseException):
            # Asked again, the same batch is made again, and fails again.
            self._started = False
            raise result
        return result

    def recycle(self, arrays: list[Array]) -> None:
        with self._changed:
            if len(self._spare) < self._depth:
                self._spare.append(arrays)

    def close(self, patience: float | None = None) -> None:
        """Ends the threads; returns when each has left the sample it was at.

        Args:
            patience: seconds to wait for each of them at most; None waits as long as it takes.
        """
        with self._changed:
            self._closed = True
            self._done.clear()
            self._changed.notify_all()
        for thread in self.threads:
            if thread is not threading.current_thread():
                thread.join(patience)

    def work_once(self) -> bool:
        """Makes one batch, when there is room for it; False when closed."""
        with self._changed:
            while not self._closed and not self._has_room():
                self._changed.wait()
            if self._closed:
                return False
            run, position = self._run, self._next
            self._next += self._step
            spare = self._spare.pop() if self._spare else []
        result: Batch | BaseException
        try:
            result = self._make(position, spare, lambda: self._closed or self._run != run)
        except Cancelled:
            return True
        except BaseException as problem:  # whatever it is, it is training that must end with it
            result = problem
        with self._changed:
            if self._run == run and not self._closed:
                self._done[position] = result
                self._changed.notify_all()
        return True

    def _has_room(self) -> bool:
        return self._started and self._next < self._taken + self._depth * self._step


def _work(queue: _Queue) -> None:
    while queue.work_once():
        pass


@atexit.register
def _close_all() -> None:
    # Threads that are still in OpenCV when the interpreter goes down would crash it.
    for queue in list(_live):
        queue.close()
