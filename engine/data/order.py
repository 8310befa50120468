"""The order in which samples are seen: a pure function of (seed, epoch, index)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

_WORD = 2**64


def permutation(count: int, seed: int, epoch: int = 0) -> Indices:
    """The numbers 0 to count - 1 in the random order that belongs to (seed, epoch).

    Sorts the raw words of a counter-based generator: those are the same in every version of
    NumPy, which ``Generator.permutation`` does not promise, so a snapshot outlives an upgrade.
    """
    words = np.random.Philox(key=np.array([seed % _WORD, epoch % _WORD], np.uint64))
    return np.argsort(words.random_raw(count), kind="stable").astype(np.int64, copy=False)


class DataOrder:
    """Says which samples make up the batch that starts at a position.

    Positions count the samples seen since the start of training and never wrap; position p is
    sample p % count of epoch p // count. A batch may run over the end of an epoch into the
    next one, as Caffe's do. There is no state: to resume is to ask for a later position.

    Args:
        count: number of samples in an epoch.
        batch_size: number of samples in a batch.
        shuffle: whether each epoch has a random order of its own.
        seed: chooses the random orders.
    """

    def __init__(self, count: int, batch_size: int, shuffle: bool = False, seed: int = 0):
        if count < 1 or batch_size < 1:
            raise ValueError(f"count {count} and batch_size {batch_size} must be above 0")
        self.count, self.batch_size = count, batch_size
        self.shuffle, self.seed = shuffle, seed
        self._orders: dict[int, Indices] = {}

    def indices(self, position: int) -> Indices:
        """The sample numbers of the batch whose first sample is at ``position``."""
        epoch, start = divmod(position, self.count)
        places = np.arange(start, start + self.batch_size, dtype=np.int64)
        if not self.shuffle:
            return places % self.count
        if start + self.batch_size <= self.count:
            return self.epoch_order(epoch)[places]
        result = np.empty(self.batch_size, np.int64)
        for turn in range(int(places[-1]) // self.count + 1):
            here = places // self.count == turn
            result[here] = self.epoch_order(epoch + turn)[places[here] % self.count]
        return result

    def epoch_order(self, epoch: int) -> Indices:
        """All sample numbers, in the order in which an epoch sees them."""
        if not self.shuffle:
            return np.arange(self.count)
        order = self._orders.get(epoch)
        if order is None:
            # A batch touches two epochs where they meet; more than two are never worth keeping.
            kept = {number: self._orders[number] for number in list(self._orders)[-1:]}
            order = permutation(self.count, self.seed, epoch)
            self._orders = {**kept, epoch: order}
        return order
