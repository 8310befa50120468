"""The team of threads: what it is given comes out whole, and errors and limits get through."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from layers.kernels import threads
from layers.kernels.product import add_product, multiply
from tests.harness.golden_layers import Case, all_cases, run_case

SHARED_OUT = {
    "BatchNorm", "Convolution", "Deconvolution", "Dropout", "Eltwise", "InnerProduct", "LRN",
    "LSTM", "Pooling", "ReLU", "RNN", "SPP", "Scale", "Sigmoid", "Split",
}  # fmt: skip
CASES = [case for case in all_cases() if case.info["type"] in SHARED_OUT]


@pytest.fixture(autouse=True)
def three_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Even the smallest work is shared out."""
    monkeypatch.setattr(threads, "WORTH", 1)
    before = threads.thread_count()
    if not threads.set_thread_count(3):
        pytest.skip("the matrix library of this NumPy does not tell how to set its threads")
    yield
    threads.set_thread_count(before)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_layers_equal_caffe_in_three_threads(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(case.folder)
    run_case(case)


def test_slices_are_in_order_and_in_several_threads() -> None:
    names = threads.share(lambda part: (part.start, threading.current_thread().name), 10, 1000)
    assert [start for start, _ in names] == [0, 3, 6]
    assert names[0][1] == threading.current_thread().name
    assert len({name for _, name in names}) > 1


def test_shares_of_shares_stay_in_their_thread() -> None:
    def outer(part: slice) -> int:
        return len(threads.share(lambda inner: inner, 10, 1000)) if part.start else 1

    assert threads.share(outer, 3, 1000) == [1, 1, 1]


def test_an_error_reaches_the_caller() -> None:
    def work(part: slice) -> None:
        if part.start:
            raise ValueError("in another thread")

    with pytest.raises(ValueError, match="in another thread"):
        threads.share(work, 10, 1000)


@pytest.mark.parametrize("length", [0, 1, 2])
def test_little_work(length: int) -> None:
    parts = threads.share(lambda part: part.stop - part.start, length, 1000)
    assert sum(parts) == length


def test_products() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((7, 5)), rng.random((5, 11))
    for left, right in ((a, b), (b.T, a.T)):
        out = np.zeros((len(left), right.shape[1]))
        multiply(left, right, out)
        np.testing.assert_allclose(out, left @ right)
        add_product(left, right, out)
        np.testing.assert_allclose(out, 2 * left @ right)


def test_the_matrix_library_gets_its_threads_back() -> None:
    library = threads._get_team().library
    assert library is not None
    before = library.threads
    with threads.computing(), threads.computing():
        assert library.threads == 1
    assert library.threads == before


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
def test_a_forked_process_has_a_team_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    threads.share(lambda part: None, 10, 1000)
    monkeypatch.setattr(threads._get_team(), "size", 5)
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(threads.thread_count).get(timeout=20) == 5
        assert pool.apply_async(_share_in_child).get(timeout=20) == 10


def _share_in_child() -> int:
    threads.set_thread_count(3)
    return sum(threads.share(lambda part: part.stop - part.start, 10, 1 << 20))
