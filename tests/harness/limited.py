"""Runs readers in a process of their own and measures what it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.harness.places import ROOT

SECONDS, MEGABYTES = 1.0, 200

_PROGRAM = """
import json, resource, sys, time
from pathlib import Path
import numpy, h5py, yaml, cv2, lmdb, plyvel
from engine import DemitasseError, Net
from tests.harness.fuzz import READERS
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 1_500_000_000, in_use + 1_500_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
for reader, path in zip(sys.argv[1::2], sys.argv[2::2]):
    start, error = time.process_time(), ""
    try:
        READERS[reader](Path(path))
    except DemitasseError as problem:
        error = str(problem)
    seconds = time.process_time() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"error": error, "seconds": seconds, "megabytes": (after - before) / 1024}))
"""


@dataclass
class Outcome:
    """Of one reading: the error ("" for none), processor time, and the most memory so far."""

    error: str
    seconds: float
    megabytes: float


def read_limited(reader: str, path: Path) -> Outcome:
    """Reads a file with one of the readers of ``tests.harness.fuzz``."""
    return read_all_limited([(reader, path)])[0]


def read_all_limited(files: Sequence[tuple[str, Path]]) -> list[Outcome]:
    """The same for several files one after another, in one process."""
    words = [str(word) for pair in files for word in pair]
    command = [sys.executable, "-c", _PROGRAM, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{done.returncode} {done.stderr[-3000:]}"
    return [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]
