"""How long training took, and how much of that it waited for data."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from engine import Net
from engine.data import SourceLayer
from engine.solver.listener import Listener, Step


class Spent(NamedTuple):
    """Time spent on training iterations.

    Args:
        seconds: in all, without tests and snapshots.
        waited: seconds of these for which the net waited for its sources.
    """

    seconds: float = 0.0
    waited: float = 0.0

    @property
    def share(self) -> float:
        """What part of the time was spent waiting, 0 to 1."""
        return self.waited / self.seconds if self.seconds else 0.0

    def since(self, before: Spent) -> Spent:
        """What was spent after ``before``."""
        return Spent(self.seconds - before.seconds, self.waited - before.waited)


class TrainingClock(Listener):
    """Runs while the solver iterates, and stands still while it tests or writes a snapshot.

    Args:
        net: the net that trains; how long it waited is read from its sources.

    Attributes:
        iterations: those that ended since the clock was made.
        samples: training samples that they saw.
        snapshot: the newest snapshot since then.
    """

    def __init__(self, net: Net):
        self._sources = [layer for layer in net.layers if isinstance(layer, SourceLayer)]
        self._waited = self._read_waited()
        self._seconds, self._since = 0.0, time.perf_counter()
        self.iterations = self.samples = 0
        self.snapshot: Path | None = None

    def stepped(self, step: Step) -> None:
        self.iterations += 1
        self.samples += step.samples
        now = time.perf_counter()
        self._seconds += now - self._since
        self._since = now

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        self._since = time.perf_counter()

    def snapshotted(self, path: Path) -> None:
        self.snapshot = path
        self._since = time.perf_counter()

    @property
    def spent(self) -> Spent:
        """The time so far, that of an iteration which is running included."""
        running = time.perf_counter() - self._since
        return Spent(self._seconds + running, self._read_waited() - self._waited)

    def _read_waited(self) -> float:
        return sum(source.waited for source in self._sources)
