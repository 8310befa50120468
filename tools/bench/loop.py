"""The process that trains on command: one line of JSON asks, one answers."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

_SGEMM = 1536  # rows and columns: large enough for full speed, and done in a blink


def serve(step: Callable[[], float]) -> None:
    """Trains a first step and says so, then does as it is told until ``stop``."""
    answer(loss=step())
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "stop":
            answer_peak()
            return
        work = step if command["do"] == "train" else sgemm
        answer(**timed(work, command["times"]))


def timed(work: Callable[[], Any], times: int) -> dict[str, Any]:
    """Milliseconds of each run after a first one, and the processor's seconds in all."""
    began = time.process_time()
    milliseconds = []
    for _ in range(times + 1):
        start = time.perf_counter()
        work()
        milliseconds.append(1e3 * (time.perf_counter() - start))
    return {"ms": milliseconds[1:], "cpu_seconds": time.process_time() - began}


def answer(**values: Any) -> None:
    """Sends one line."""
    print(json.dumps(values), flush=True)


def answer_peak() -> None:
    """Sends the most memory that the process had."""
    # ru_maxrss is in kilobytes; on a Mac in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    answer(peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def sgemm() -> None:
    """A product of two matrices, by which the machine's speed is known."""
    np.matmul(_square(), _square())


def sgemm_flops() -> int:
    """What :func:`sgemm` computes."""
    return 2 * _SGEMM**3


_matrices: list[Any] = []


def _square() -> Any:
    if not _matrices:
        _matrices.append(np.random.default_rng(1).random((_SGEMM, _SGEMM), np.float32))
    return _matrices[0]
