"""A process that trains one net, started and commanded by the benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from layers.errors import DemitasseError

ROOT = Path(__file__).parents[2]
# The matrix libraries' own ways to be told a number of threads.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Worker:
    """Starts the process and waits for its first training step.

    Args:
        name: what the report calls it.
        command: a Python that runs :func:`tools.bench.loop.serve`.
        threads: for its matrix library.

    Raises:
        DemitasseError: it ends instead.
    """

    def __init__(self, name: str, command: Sequence[str], threads: int):
        self.name = name
        environment = dict(os.environ) | {key: str(threads) for key in _THREAD_VARIABLES}
        # As a user's Python does it: compiled once, not at every start.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        started = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.first_loss: float = self._answer()["loss"]
        self.first_step_seconds = time.perf_counter() - started

    def ask(self, do: str, times: int = 1) -> dict[str, Any]:
        """Has it do something; returns its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, "times": times}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> int:
        """Ends the process; returns the most memory it had, in bytes."""
        peak: int = self.ask("stop")["peak_bytes"]
        self._process.communicate()
        return peak

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise DemitasseError(f"{self.name} has ended", got=f"exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


def ask_once(command: Sequence[str]) -> dict[str, Any]:
    """Runs a command to its end; returns what it answered.

    Raises:
        DemitasseError: it failed.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise DemitasseError(f"{' '.join(command)} failed", got=f"exit code {done.returncode}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
