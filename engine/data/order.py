"""The order in which samples are seen: a pure function of (seed, epoch, index)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]

WRAP, DROP, KEEP = 0, 1, 2  # what becomes of samples that do not fill a batch

_WORD = 2**64


class Slots(NamedTuple):
    """What a batch holds: for each of its samples the epoch and the record."""

    epochs: Indices
    records: Indices


def permutation(count: int, seed: int, epoch: int = 0) -> Indices:
    """The numbers 0 to count - 1 in the random order that belongs to (seed, epoch).

    Sorts the raw words of a counter-based generator: those are the same in every version of
    NumPy, which ``Generator.permutation`` does not promise, so a snapshot outlives an upgrade.
    """
    words = np.random.Philox(key=np.array([int(seed) % _WORD, int(epoch) % _WORD], np.uint64))
    return np.argsort(words.random_raw(count), kind="stable").astype(np.int64, copy=False)


class DataOrder:
    """Says which samples make up the batch that starts at a position.

    Positions count the samples seen since the start of training and never wrap. With WRAP,
    position p is sample p % count of epoch p // count, and a batch may run over the end of an
    epoch into the next one, as Caffe's do. With DROP and KEEP an epoch is a whole number of
    batches. There is no state: to resume is to ask for a later position.

    Args:
        count: number of samples in an epoch.
        batch_size: number of samples in a batch.
        shuffle: whether each epoch has a random order of its own.
        seed: chooses the random orders.
        last_batch: WRAP; DROP, which leaves out samples that do not fill a batch; or KEEP, which
            gives them as a smaller batch.
        skip: samples to pass over at the very start (whole batches only, but for WRAP).
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        last_batch: int = WRAP,
        skip: int = 0,
    ):
        if count < 1 or batch_size < 1:
            raise ValueError(f"count {count} and batch_size {batch_size} must be above 0")
        if last_batch == DROP and count < batch_size:
            raise ValueError(f"DROP leaves nothing of {count} samples in batches of {batch_size}")
        self.count, self.batch_size = count, batch_size
        self.shuffle, self.seed = shuffle, seed
        self.last_batch, self.skip = last_batch, skip
        self._orders: dict[int, Indices] = {}

    @property
    def period(self) -> int:
        """By how many positions one epoch is after the other."""
        if self.last_batch == WRAP:
            return self.count
        extra = 0 if self.last_batch == DROP else self.batch_size - 1
        return (self.count + extra) // self.batch_size * self.batch_size

    def indices(self, position: int) -> Indices:
        """The sample numbers of the batch whose first sample is at ``position``."""
        return self.slots(position).records

    def slots(self, position: int) -> Slots:
        """The epochs and sample numbers of the batch whose first sample is at ``position``."""
        if self.last_batch == WRAP:
            positions = position + self.skip + np.arange(self.batch_size, dtype=np.int64)
            epochs, places = np.divmod(positions, self.count)
        else:
            first = (position // self.batch_size + self.skip // self.batch_size) * self.batch_size
            epoch, start = divmod(first, self.period)
            places = np.arange(start, min(start + self.batch_size, self.count), dtype=np.int64)
            epochs = np.full(len(places), epoch, np.int64)
        return Slots(epochs, self._records(epochs, places))

    def epoch_order(self, epoch: int) -> Indices:
        """All sample numbers, in the order in which an epoch sees them."""
        if not self.shuffle:
            return np.arange(self.count)
        orders = self._orders
        order = orders.get(epoch)
        if order is None:
            order = self._shuffled(epoch)
            # Batches touch two epochs where they meet, and those being read ahead are close by.
            # A new dictionary, because several workers may be here at once.
            self._orders = {**dict(list(orders.items())[-1:]), epoch: order}
        return order

    def _shuffled(self, epoch: int) -> Indices:
        return permutation(self.count, self.seed, epoch)

    def _records(self, epochs: Indices, places: Indices) -> Indices:
        if not self.shuffle:
            return places
        first, last = int(epochs[0]), int(epochs[-1])
        if first == last:
            return self.epoch_order(first)[places]
        records = np.empty_like(places)
        for epoch in range(first, last + 1):
            here = epochs == epoch
            records[here] = self.epoch_order(epoch)[places[here]]
        return records


class GroupedOrder(DataOrder):
    """As DataOrder, for samples that lie in files: shuffles the files, and the rows in each.

    The rows of a file stay together, so that one file at a time needs to be in memory.

    Args:
        counts: number of samples in each file.
        others: as for DataOrder.
    """

    def __init__(self, counts: Sequence[int], batch_size: int, *others: int, **named: int):
        super().__init__(sum(counts), batch_size, *others, **named)  # type: ignore[arg-type]
        self._counts = list(counts)
        self._starts = np.cumsum([0, *counts[:-1]])

    def _shuffled(self, epoch: int) -> Indices:
        # Each file has an order of its own, so files of equal length differ in theirs.
        rows = [
            self._starts[file] + permutation(self._counts[file], self.seed + 1 + file, epoch)
            for file in permutation(len(self._counts), self.seed, epoch)
        ]
        return np.concatenate(rows)
