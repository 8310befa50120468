"""DataOrder: wrapped batches, a permutation an epoch, and resuming as a seek."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.data.order import DataOrder, permutation

counts = st.integers(1, 50)
batch_sizes = st.integers(1, 120)  # also larger than an epoch
seeds = st.integers(-(2**63), 2**63 - 1)


def run(order, batches, position=0):
    """The concatenated batches from a position on."""
    starts = [position + i * order.batch_size for i in range(batches)]
    return np.concatenate([order.indices(start) for start in starts])


@given(counts, batch_sizes, st.integers(1, 8))
def test_unshuffled_batches_wrap_around_the_data(count, batch_size, batches):
    seen = run(DataOrder(count, batch_size), batches)
    np.testing.assert_array_equal(seen, np.arange(batches * batch_size) % count)


@given(counts, batch_sizes, seeds, st.integers(1, 8))
def test_each_shuffled_epoch_is_its_permutation(count, batch_size, seed, batches):
    seen = run(DataOrder(count, batch_size, True, seed), batches)
    for epoch, part in enumerate(np.split(seen, range(count, len(seen), count))):
        expected = permutation(count, seed, epoch)
        np.testing.assert_array_equal(np.sort(expected), np.arange(count))
        np.testing.assert_array_equal(part, expected[: len(part)])


@given(counts, batch_sizes, seeds, st.booleans(), st.integers(0, 300), st.integers(0, 5))
def test_a_seek_gives_what_a_run_from_the_start_gives(
    count, batch_size, seed, shuffle, position, skipped
):
    whole = DataOrder(count, 1, shuffle, seed)
    seen = run(whole, position + batch_size)
    order = DataOrder(count, batch_size, shuffle, seed)
    order.indices(skipped)  # what was asked for before leaves no trace
    np.testing.assert_array_equal(order.indices(position), seen[position:])


def test_epochs_and_seeds_differ():
    orders = {tuple(permutation(100, seed, epoch)) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


def test_the_order_never_changes():
    # Snapshots depend on these numbers: a change of them breaks every exact resume.
    assert permutation(10, seed=7, epoch=3).tolist() == [2, 5, 9, 7, 3, 0, 6, 8, 4, 1]


def test_positions_may_be_far_out():
    np.testing.assert_array_equal(DataOrder(7, 3).indices(7 * 10**15), [0, 1, 2])
    DataOrder(7, 3, True).indices(7 * 10**15)


@pytest.mark.parametrize("count, batch_size", [(0, 1), (1, 0)])
def test_nothing_to_order_is_refused(count, batch_size):
    with pytest.raises(ValueError, match="above 0"):
        DataOrder(count, batch_size)
