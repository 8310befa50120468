"""Arrays in memory, or mapped into it."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.labels import check_label, is_finite
from engine.data.order import Indices
from engine.data.readers.base import Reader, Record
from layers.blob import Array


class ArrayReader(Reader):
    """Rows of arrays of equal length.

    Args:
        arrays: samples, then labels.
        source: names the arrays in errors.
    """

    # Measured on MNIST, batches of 64: a batch takes 0.06 ms, and handed over by a thread 0.12 ms.
    workers = 0

    def __init__(self, *arrays: Array, source: str = "source"):
        self._arrays, self._source = arrays, source

    def __len__(self) -> int:
        return len(self._arrays[0])

    def read(self, record: int) -> Record:
        values = tuple(np.asarray(array[record]) for array in self._arrays)
        for label in values[1:]:
            check_label(label, self.where(record))
        return values

    def where(self, record: int) -> str:
        return f"{self._source}, record {record}"

    def read_many(self, records: Indices) -> Record | None:
        values = tuple(rows_of(array, records) for array in self._arrays)
        # One by one, it is told which label is none.
        return values if all(is_finite(labels) for labels in values[1:]) else None


def rows_of(array: Array, indices: Indices) -> Any:
    """The rows at the indices; only a view where they follow each other."""
    first, count = int(indices[0]), len(indices)
    if indices[-1] - first == count - 1 and (np.diff(indices) == 1).all():
        return array[first : first + count]
    return array[indices]
