"""What a solver tells while it runs; the command line draws its progress bar from this."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("demitasse")


@dataclass(frozen=True)
class Step:
    """One finished training iteration.

    Args:
        iteration: the iteration's number, counted from 0.
        loss: the loss of this iteration, a mean over its ``iter_size`` passes.
        smoothed_loss: mean loss of the last ``average_loss`` iterations.
        lr: the learning rate it used.
        samples: training samples it saw.
    """

    iteration: int
    loss: float
    smoothed_loss: float
    lr: float
    samples: int


@dataclass(frozen=True)
class Standing:
    """How the monitored score stands after a test.

    Args:
        name: the score, as ``monitor`` names it.
        best: the best it has been.
        iteration: when that was.
        waited: tests since then without a better one.
    """

    name: str
    best: float
    iteration: int
    waited: int


class Listener:
    """Hears of steps, tests, snapshots and the monitored score. The methods here do nothing."""

    def stepped(self, step: Step) -> None:
        """After every iteration."""

    def displayed(self, step: Step, outputs: Mapping[str, float]) -> None:
        """Every ``display`` iterations, with the net's outputs."""

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        """After the test of one test net, with the means of its outputs."""

    def snapshotted(self, path: Path) -> None:
        """After a snapshot was written; ``path`` is its solver state."""

    def found_best(self, standing: Standing, path: Path | None) -> None:
        """After a test with a better score than ever; ``path`` is the model, if it is kept."""

    def dropped_rate(self, iteration: int, standing: Standing, lr: float) -> None:
        """After a test by which the policy ``plateau`` lowers the learning rate to ``lr``."""

    def stopped_early(self, iteration: int, standing: Standing) -> None:
        """After the test by which ``early_stop`` ends the training."""


class LogListener(Listener):
    """Writes displays, tests and the like to the log, as Caffe does."""

    def displayed(self, step: Step, outputs: Mapping[str, float]) -> None:
        log.info(
            "Iteration %d, loss = %.6g, lr = %.6g", step.iteration, step.smoothed_loss, step.lr
        )

    def tested(self, iteration: int, net: int, scores: Mapping[str, float]) -> None:
        log.info("Iteration %d, testing net #%d: %s", iteration, net, scores_text(scores))

    def snapshotted(self, path: Path) -> None:
        log.info("Snapshot written to %s", path)

    def found_best(self, standing: Standing, path: Path | None) -> None:
        if path is not None:
            log.info("Best %s so far, %.4g: saved as %s", standing.name, standing.best, path)

    def dropped_rate(self, iteration: int, standing: Standing, lr: float) -> None:
        log.info("Iteration %d: %s is on a plateau, lr = %.6g", iteration, standing.name, lr)

    def stopped_early(self, iteration: int, standing: Standing) -> None:
        log.info(
            "Iteration %d: %d tests without a better %s than %.4g (iteration %d): training ends",
            iteration, standing.waited, standing.name, standing.best, standing.iteration,
        )  # fmt: skip


def scores_text(scores: Mapping[str, float]) -> str:
    """Scores in one line: ``accuracy = 0.9812, loss = 0.0581``."""
    return ", ".join(f"{name} = {value:.4g}" for name, value in scores.items()) or "no outputs"
