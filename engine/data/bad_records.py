"""Counts bad records, and says when they are too many."""

from __future__ import annotations

import logging
import threading

from layers.errors import DemitasseError

log = logging.getLogger("demitasse")


class BadRecords:
    """The bad records found so far; each is logged once.

    Args:
        skip: whether they are passed over at all.
        limit: how many may be.
        where: names the source in the log.
    """

    def __init__(self, skip: bool, limit: int, where: str):
        self._skip, self._limit, self._where = skip, limit, where
        self._found: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, record: int) -> bool:
        return record in self._found

    def add(self, record: int, problem: DemitasseError) -> None:
        """Notes a bad record.

        Raises:
            DemitasseError: the problem, where records are not to be skipped, or a message
                that there are too many.
        """
        if not self._skip:
            raise problem
        problem.__traceback__ = None  # it holds the layer, and readers hold the problem
        with self._lock:
            if record in self._found:
                return
            self._found.add(record)
            count = len(self._found)
        log.warning("%s: skipped bad record %d: %s", self._where, count, str(problem))
        if count > self._limit:
            raise DemitasseError(
                f"more than {self._limit} bad records; the last is: {problem.what}",
                problem.where,
                problem.got,
                problem.expected,
                "mend the source, or raise source_param.max_bad_records",
            ) from problem
