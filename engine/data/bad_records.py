"""Counts bad records, and says when they are too many."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from layers.errors import DemitasseError

log = logging.getLogger("demitasse")

Problems = Mapping[int, DemitasseError]


class BadRecords:
    """The bad records of a source: what is wrong with each, and how many the training met.

    Threads that read ahead ``keep`` what they find. It is ``count``-ed where batches are taken,
    in their order, so that the run ends at the same batch whatever the number of threads.

    Args:
        skip: whether they are passed over at all.
        limit: how many may be.
        where: names the source in the log.
    """

    def __init__(self, skip: bool, limit: int, where: str):
        self._skip, self._limit, self._where = skip, limit, where
        self._known: dict[int, DemitasseError] = {}
        self._counted: set[int] = set()

    def __len__(self) -> int:
        return len(self._counted)

    def problem(self, record: int) -> DemitasseError | None:
        """What is wrong with a record, if it was read before and is bad."""
        return self._known.get(record)

    def keep(self, record: int, problem: DemitasseError) -> None:
        """Remembers that a record is bad; any thread may.

        Raises:
            DemitasseError: the problem, where records are not to be skipped.
        """
        if not self._skip:
            raise problem
        problem.__traceback__ = None  # it holds the layer, and readers hold the problem
        self._known[record] = problem

    def check(self, found: Problems) -> None:
        """Raises a DemitasseError if those of one batch alone are too many."""
        if len(found) > self._limit:
            raise self._too_many(list(found.values())[self._limit])

    def count(self, found: Problems) -> None:
        """Counts and logs the bad records of the next batch, each only once.

        Raises:
            DemitasseError: they have become too many.
        """
        for record, problem in found.items():
            if record in self._counted:
                continue
            if len(self) == self._limit:
                raise self._too_many(problem) from problem
            self._counted.add(record)
            log.warning("%s: skipped bad record %d: %s", self._where, len(self), str(problem))

    def _too_many(self, problem: DemitasseError) -> DemitasseError:
        return DemitasseError(
            f"more than {self._limit} bad records; the last is: {problem.what}",
            problem.where,
            problem.got,
            problem.expected,
            "mend the source, or raise source_param.max_bad_records",
        )
