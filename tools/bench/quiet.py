"""Whether others computed on this machine while a measurement ran (Linux; elsewhere unknown)."""

from __future__ import annotations

import os
import time
from pathlib import Path

_STAT = Path("/proc/stat")
# Share of one core that others may take before a measurement counts as disturbed.
LIMIT = 0.1


class Watch:
    """Counts the processor time of everyone, from its making on."""

    def __init__(self) -> None:
        self._busy, self._own, self._since = _busy_seconds(), _own_seconds(), time.perf_counter()

    def others(self, ours: float) -> float:
        """Cores that others kept busy, given the seconds that the measured process computed."""
        if not _STAT.exists():
            return 0.0
        elapsed = max(1e-3, time.perf_counter() - self._since)
        own = _own_seconds() - self._own
        return (_busy_seconds() - self._busy - own - ours) / elapsed


def wait_for_quiet(patience: float) -> None:
    """Returns when nobody else computes, or after so many seconds."""
    end = time.perf_counter() + patience
    while time.perf_counter() < end:
        watch = Watch()
        time.sleep(0.5)
        if watch.others(0.0) < LIMIT:
            return


def _busy_seconds() -> float:
    if not _STAT.exists():
        return 0.0
    # user nice system idle iowait irq softirq steal
    ticks = [int(value) for value in _STAT.read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(ticks[:3]) + sum(ticks[5:8])) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    return time.process_time()
