"""Memory for gradients is shared, and takes up what its longest user needs."""

from __future__ import annotations

import numpy as np
import pytest

from engine.kernels.onednn.memory import Layout, Memory, reserved
from engine.plan.gradient_memory import GradientMemory
from tests.harness.engines import needs_onednn

pytestmark = needs_onednn


def made(memory: GradientMemory, count: int) -> Memory:
    return memory.make(Layout.plain((count,)))


def resident(store: np.ndarray) -> int:
    """Bytes of physical memory behind an array that begins with a page."""
    address = f"{store.ctypes.data:x}-"
    with open("/proc/self/smaps") as maps:
        lines = iter(maps)
        for line in lines:
            if line.startswith(address):
                break
        for line in lines:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    pytest.skip("not a mapping of its own")


def test_the_shortest_that_is_long_enough_then_the_one_that_grows_least() -> None:
    memory = GradientMemory(reused=True)
    memory.start(longest=4000)
    small, large = made(memory, 10), made(memory, 500)
    memory.keep_only([])
    assert made(memory, 8).store is small.store
    memory.keep_only([])
    assert made(memory, 20).store is large.store
    memory.keep_only([])
    assert made(memory, 600).store is large.store


def test_what_is_needed_is_not_handed_out_again() -> None:
    memory = GradientMemory(reused=True)
    memory.start(longest=4000)
    first = made(memory, 10)
    memory.keep_only([first])
    assert made(memory, 10).store is not first.store
    memory.start(longest=4000)
    assert made(memory, 10).store is first.store


def test_a_longer_one_than_was_said_has_its_own() -> None:
    memory = GradientMemory(reused=True)
    memory.start(longest=40)
    short = made(memory, 10)
    memory.keep_only([])
    long = made(memory, 1000)
    assert long.store is not short.store and long.store.nbytes >= 4000


def test_each_its_own_where_nothing_is_reused() -> None:
    memory = GradientMemory(reused=False)
    memory.start(longest=4000)
    first = made(memory, 10)
    memory.keep_only([])
    assert made(memory, 10).store is not first.store


def test_reserved_bytes_are_zeros_that_take_no_memory_until_they_are_written() -> None:
    store = reserved(1 << 26)
    assert resident(store) < 1 << 20
    store[: 1 << 23] = 1
    assert 1 << 23 <= resident(store) < 1 << 25
    assert not store[1 << 23 :].any()


def test_more_than_there_is() -> None:
    with pytest.raises(MemoryError, match="GiB for a gradient"):
        reserved(1 << 62)
