"""What every reader gives: record number in, arrays out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from engine.data.order import Indices
from layers.blob import Array
from layers.errors import DemitasseError

# The sample, (C, H, W) if it is an image, then its labels, one array for each further top.
Record = tuple[Array, ...]


class Reader(ABC):
    """The records of one source, by number.

    ``read`` is called from several threads at once.

    Attributes:
        workers: threads that pay when reading ahead: 0 where the records are in
            memory, None for as many as there are processors.
        most_workers: more threads than these would get into each other's way; None for any.
        known_bad: records found to be bad when the source was opened.
        left_out: what is wrong with what could not even be told apart into records.
    """

    workers: ClassVar[int | None] = None
    most_workers: ClassVar[int | None] = None
    known_bad: Mapping[int, DemitasseError] = {}
    left_out: Sequence[DemitasseError] = ()

    @abstractmethod
    def __len__(self) -> int:
        """The number of records."""

    @abstractmethod
    def read(self, record: int) -> Record:
        """The arrays of a record.

        Raises:
            DemitasseError: the record is bad; the error names the source, the key or line, and
                the cause.
        """

    def where(self, record: int) -> str:
        """Names a record in errors."""
        return f"record {record}"

    def after(self, record: int) -> int:
        """The record that takes the place of a bad one."""
        return (record + 1) % len(self)

    def read_many(self, records: Indices) -> Record | None:
        """The arrays of several records, each stacked along a first axis.

        None where that is no quicker than to read them one by one.
        """
        return None
