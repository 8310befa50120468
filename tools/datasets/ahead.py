"""Work done ahead by several threads, taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from engine.data.source_layer import processors

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST_THREADS = 8  # more wait for the one that takes
_AHEAD = 8  # results a thread may be ahead, which bounds the memory


def ahead(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The function's results, in the order of the items, made by several threads.

    Raises:
        Exception: what the function raised, when its turn has come.
    """
    threads = min(processors(), _MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > threads * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
