"""Reading ahead: the same bits for any number of workers, bounded memory, a clean end."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from engine import TRAIN
from engine.data.batches import Batch
from engine.data.prefetch import Prefetcher
from layers.blob import Array
from tests.harness.sources import Source, datums, random_images, write_lmdb

AUGMENT = """transform_param { crop_size: 6 mirror: true
  augment { cutout { size: 2 } } augment { mixup { classes: 11 } } }"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_lmdb(Path("db"), datums(random_images(11)))
    return tmp_path


def source(workers: int = 2, prefetch: int = 4, last: str = "wrap") -> Source:
    options = f"workers: {workers} prefetch: {prefetch} seed: 3 shuffle: true last_batch: '{last}'"
    data = 'type: "Data" data_param { source: "db" batch_size: 4 backend: LMDB }'
    return Source(f"{data} {AUGMENT} source_param {{ {options} }}", phase=TRAIN)


def same(one: list, other: list) -> None:
    for ours, theirs in zip(one, other, strict=True):
        for mine, yours in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(mine, yours)


@pytest.mark.parametrize("last", ["wrap", "drop", "keep"])
def test_workers_change_nothing(last):
    expected = source(0, last=last).batches(15)
    for workers, prefetch in ((1, 1), (1, 4), (2, 4), (4, 3), (5, 20)):
        same(source(workers, prefetch, last).batches(15), expected)


@pytest.mark.parametrize("last", ["wrap", "drop", "keep"])
@pytest.mark.parametrize("batches", [0, 1, 2, 5])
def test_a_resumed_run_sees_the_same_batches(last, batches):
    first, resumed, sought = (source(last=last) for _ in range(3))
    first.batches(batches)
    resumed.batches(3)
    assert first.layer.position == 4 * batches  # what was given, not what was read ahead
    resumed.layer.set_state(first.layer.get_state())
    sought.layer.seek(4 * batches)
    expected = first.batches(7)
    same(resumed.batches(7), expected)
    same(sought.batches(7), expected)


def test_seeking_back_and_forth():
    expected = source(0).batches(6)
    mine = source()
    for batch in (3, 0, 0, 5, 4, 1):
        mine.layer.seek(4 * batch)
        same([mine.forward()], [expected[batch]])


def until(holds) -> bool:
    """Waits, as long as a busy machine may need, for what other threads bring about."""
    end = time.monotonic() + 10
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    return holds()


def test_no_more_is_read_ahead_than_asked_for():
    made, most = [], 0
    lock = threading.Lock()

    def make(position, recycled, unwanted):
        with lock:
            made.append(position)
        return [np.full(1, position)]

    ahead = Prefetcher(make, 10, 3, 4)
    for number in range(8):
        (array,) = ahead.take(10 * number)
        assert array == 10 * number
        assert until(lambda: len(made) >= number + 4)  # noqa: B023 - called at once
        time.sleep(0.02)  # for one too many to show
        most = max(most, len(made) - number - 1)
    ahead.close()
    assert most == 3 and sorted(made) == list(range(0, 110, 10))


def test_arrays_are_written_again():
    one = source(1)
    arrays = {id(array.base if array.base is not None else array) for array in ()}
    for _ in range(12):
        taken = one.layer._next_batch(one.tops).arrays
        arrays.add(id(taken[0]))
        one.layer._prefetcher.give_back(taken)
        one.layer.position += 4
        del taken
    assert len(arrays) <= 6


@pytest.mark.parametrize("problem", [ValueError("no"), MemoryError(), SystemExit(3)])
def test_what_ends_a_worker_ends_the_training(problem):
    def make(position, recycled, unwanted):
        if position == 2:
            raise problem
        return [np.zeros(1)]

    ahead = Prefetcher(make, 1, 4, 2)
    ahead.take(0)
    ahead.take(1)
    with pytest.raises(type(problem)):
        ahead.take(2)
    with pytest.raises(type(problem)):
        ahead.take(2)
    ahead.take(3)


def test_threads_end_with_the_layer():
    before = set(threading.enumerate())
    mine = source(3)
    mine.forward()
    assert len(set(threading.enumerate()) - before) == 3
    mine.layer.close()
    assert until(lambda: set(threading.enumerate()) <= before)
    mine.forward()  # starts them anew
    del mine
    gc.collect()
    assert until(lambda: set(threading.enumerate()) <= before)


def test_threads_start_with_the_first_batch_only():
    before = threading.active_count()
    kept = source(3)
    assert threading.active_count() == before and kept.layer.waited == 0


def test_waiting_is_measured():
    mine = source(1)
    make = mine.layer._batches.make

    def slow(*arguments):
        time.sleep(0.05)
        return make(*arguments)

    mine.layer._batches.make = slow
    mine.batches(4)
    assert mine.layer.waited > 0.15


@pytest.mark.parametrize("ending", ["pass", "raise ValueError('on purpose')", "sys.exit(5)"])
def test_a_program_ends_at_once(ending):
    program = f"""
        import sys, time
        from tests.data.test_prefetch import source
        mine = source(3)
        make = mine.layer._batches.make
        def slow(*arguments):
            time.sleep(0.3)
            return make(*arguments)
        mine.layer._batches.make = slow
        mine.forward()
        {ending}
    """
    root = Path(__file__).parents[2]
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(root)!r})\n"
         + textwrap.dedent(program)], capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == {"pass": 0, "sys.exit(5)": 5}.get(ending, 1)
    assert ("Traceback" in done.stderr) == ("raise" in ending)
    assert time.monotonic() - start < 30


def test_freed_with_a_lock_held_that_its_thread_wants() -> None:
    """As when a net is collected within a call of h5py, whose lock the thread waits for."""
    lock, inside = threading.Lock(), threading.Event()

    def make(position: int, spare: Sequence[Array], cancelled: Callable[[], bool]) -> Batch:
        if position:
            inside.set()
            with lock:
                pass
        return Batch([], {})

    prefetcher = Prefetcher(make, 1, 2, 1)
    with lock:
        prefetcher.take(0)
        assert inside.wait(60)
        thread = prefetcher._queue.threads[0]
        del prefetcher  # returns, though the thread cannot end yet
        assert thread.is_alive()
    thread.join(60)
    assert not thread.is_alive()
