"""The process that gives batches on command: one line of JSON asks, one answers."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tools.bench.loop import answer, answer_peak

# Batches that may lie ready when a measurement begins: they cost nothing, so they are not timed.
_READY = 8


def serve_batches(take: Callable[[], Any]) -> None:
    """Takes a first batch and tells its mean, then takes as many as it is told, until ``stop``.

    It answers the seconds of these batches.

    Args:
        take: gives the values of the next batch, something that has a mean.
    """
    answer(loss=float(take().mean()))
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "stop":
            answer_peak()
            return
        for _ in range(_READY):
            take()
        start = time.perf_counter()
        for _ in range(command["times"]):
            take()
        answer(seconds=time.perf_counter() - start)
