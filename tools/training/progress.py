"""The progress bar of a training run."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from engine.solver.listener import Listener, LogListener, Standing, Step
from tools.console.terminal import terminal_may_be_gone
from tools.training.clock import Spent, TrainingClock

_REFRESH = 0.5  # seconds between two looks at the speed
_NOTABLE = 0.02  # share of the time spent waiting for data from which on the bar tells it


class Listeners(Listener):
    """Several that hear the same, in order."""

    def __init__(self, *listeners: Listener):
        self._listeners = listeners

    def stepped(self, step: Step) -> None:
        for listener in self._listeners:
            listener.stepped(step)

    def displayed(self, step: Step, outputs: Mapping[str, float]) -> None:
        for listener in self._listeners:
            listener.displayed(step, outputs)

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        for listener in self._listeners:
            listener.tested(iteration, net, scores)

    def snapshotted(self, path: Path) -> None:
        for listener in self._listeners:
            listener.snapshotted(path)

    def found_best(self, standing: Standing, path: Path | None) -> None:
        for listener in self._listeners:
            listener.found_best(standing, path)

    def dropped_rate(self, iteration: int, standing: Standing, lr: float) -> None:
        for listener in self._listeners:
            listener.dropped_rate(iteration, standing, lr)

    def stopped_early(self, iteration: int, standing: Standing) -> None:
        for listener in self._listeners:
            listener.stopped_early(iteration, standing)


class ProgressListener(LogListener):
    """A bar with iteration, loss, learning rate and images/s; plain lines where no one looks.

    Args:
        first: the iteration that training starts from.
        last: the iteration that it ends at.
        clock: heard the step before this does.
    """

    def __init__(self, first: int, last: int, clock: TrainingClock):
        self._clock, self._before = clock, Spent()
        self._bar = tqdm(
            initial=first,
            total=last,
            unit="it",
            dynamic_ncols=True,
            disable=not sys.stderr.isatty(),
            bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]",
        )
        self._since = time.perf_counter()
        self._samples = 0

    def stepped(self, step: Step) -> None:
        with terminal_may_be_gone():
            self._step(step)

    def _step(self, step: Step) -> None:
        self._bar.update()
        self._samples += step.samples
        elapsed = time.perf_counter() - self._since
        if elapsed >= _REFRESH or step.iteration + 1 == self._bar.total:
            speed = self._samples / elapsed
            spent = self._clock.spent
            share = spent.since(self._before).share
            waiting = f", {share:.0%} waiting for data" if share >= _NOTABLE else ""
            self._bar.set_postfix_str(
                f"loss={step.smoothed_loss:.4f}, lr={step.lr:.3g}, {speed:,.0f} images/s{waiting}"
            )
            self._before = spent
            self._restart_clock()

    def displayed(self, step: Step, outputs: Mapping[str, float]) -> None:
        if self._bar.disable:
            super().displayed(step, outputs)

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        super().tested(iteration, net, scores)
        self._restart_clock()

    def snapshotted(self, path: Path) -> None:
        super().snapshotted(path)
        self._restart_clock()

    def close(self) -> None:
        """Leaves the bar as it stands."""
        with terminal_may_be_gone():
            self._bar.close()

    def _restart_clock(self) -> None:
        """Time spent on tests and snapshots is not training time."""
        self._since, self._samples = time.perf_counter(), 0
