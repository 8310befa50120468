"""How many processor cores there are to compute on."""

from __future__ import annotations

import os
from pathlib import Path

_CORES = Path("/sys/devices/system/cpu")


def physical_cores() -> int:
    """Cores this process may run on, each counted once however many threads it offers."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    allowed = os.sched_getaffinity(0)
    try:
        return len({_siblings(cpu) for cpu in allowed})
    except OSError:
        return len(allowed)


def _siblings(cpu: int) -> str:
    """What tells a core from the others: the list of its hardware threads."""
    return (_CORES / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text()
