"""The keys of a database, so that record number i can be found."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np

_NUMBERED = re.compile(rb"\d{8}(?=_|$)|\d{10}$")


class Keys(ABC):
    """Where in a database a record is."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of records."""

    @abstractmethod
    def start(self, record: int) -> bytes:
        """The record is at the first key that begins with these bytes."""


class NumberedKeys(Keys):
    """Keys as Caffe's tools write them, ``00000007_cat.jpg`` or ``0000000007``.

    Nothing needs to be listed, which in a large LevelDB would take a pass over all its values.
    """

    def __init__(self, count: int, digits: int):
        self._count, self._digits = count, digits

    def __len__(self) -> int:
        return self._count

    def start(self, record: int) -> bytes:
        return b"%0*d" % (self._digits, record)


class ListedKeys(Keys):
    """Any keys, in one run of bytes: a hundred times smaller than a list of objects."""

    def __init__(self, keys: Iterable[bytes]):
        held = list(keys)
        self._ends = np.cumsum([0, *map(len, held)])
        self._bytes = b"".join(held)

    def __len__(self) -> int:
        return len(self._ends) - 1

    def start(self, record: int) -> bytes:
        return self._bytes[self._ends[record] : self._ends[record + 1]]


def numbered(first: bytes, last: bytes, count: int | None) -> NumberedKeys | None:
    """The keys, if the first, the last and the count (where known) say that they run from 0 on."""
    one, other = _NUMBERED.match(first), _NUMBERED.match(last)
    if one is None or other is None or int(one[0]) != 0 or len(one[0]) != len(other[0]):
        return None
    highest = int(other[0])
    if count not in (None, highest + 1):
        return None
    return NumberedKeys(highest + 1, len(one[0]))
