"""Companions: what goes along with training beside the optimizer, and resumes with it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.errors import SnapshotError
from engine.net import Net, weights
from engine.schema import SolverParameter
from engine.snapshot.atomic import Transaction
from engine.solver.average import Average
from engine.solver.listener import Listener
from engine.solver.monitor import Monitor
from engine.solver.parts import Part
from engine.solver.plateau import Plateau
from engine.solver.schedules import current_step, learning_rate
from engine.solver.scores import AVERAGED

log = logging.getLogger("demitasse")


class Companions:
    """The average of the weights, the monitored score, and the state of the schedule.

    Args:
        param: the solver's settings.
        net: the net that is trained.
        test_nets: the nets whose scores can be monitored.
        prefix: what the names of saved models begin with.

    Raises:
        DemitasseError: ``monitor`` names no test output.
    """

    def __init__(self, param: SolverParameter, net: Net, test_nets: Sequence[Net], prefix: str):
        self._param, self._net, self._prefix = param, net, prefix
        self._ending = ".h5" if param.snapshot_format == param.HDF5 else ""
        self.average = Average(net, param.ema_decay) if param.ema_decay else None
        self.monitor = Monitor(param, test_nets) if param.monitor else None
        self.plateau = Plateau(param) if param.lr_policy == "plateau" else None

    @property
    def parts(self) -> dict[str, Part]:
        """Those whose state a snapshot keeps, by the name it keeps them under."""
        named = {"average": self.average, "monitor": self.monitor, "plateau": self.plateau}
        return {name: part for name, part in named.items() if part is not None}

    def rate(self, iteration: int, smoothed_loss: float) -> float:
        """The learning rate of an iteration, whose loss is known by then."""
        if self.plateau is not None:
            self.plateau.stepped(iteration, smoothed_loss)
        return learning_rate(self._param, iteration, self._drops)

    def current_step(self, iteration: int) -> int:
        """How many drops of the learning rate lie behind, as Caffe stores it."""
        return current_step(self._param, iteration, self._drops)

    def tested(
        self, iteration: int, scores: Sequence[Mapping[str, float]], listener: Listener
    ) -> bool:
        """Takes in the scores of all test nets; returns whether training is to end here."""
        monitor = self.monitor
        if monitor is None:
            return False
        better = monitor.hear(iteration, scores)
        if better:
            path = self._save_best(monitor) if self._param.keep_best else None
            listener.found_best(monitor.standing, path)
        if self.plateau is not None and better is not None and self.plateau.tested(better):
            rate = learning_rate(self._param, iteration, self._drops)
            listener.dropped_rate(iteration, monitor.standing, rate)
        if not 0 < self._param.early_stop <= monitor.waited:
            return False
        listener.stopped_early(iteration, monitor.standing)
        return True

    def save_average(self, iteration: int, files: Transaction) -> None:
        """Writes ``PREFIX_iter_N.ema.caffemodel``, a model like any other, if there is one.

        A resume takes the average from the solver state; this file is for ``--weights``, for
        tests, and for Caffe.
        """
        if self.average is not None:
            path = f"{self._prefix}_iter_{iteration}.ema.caffemodel{self._ending}"
            self.average.save(Path(path), files)

    def start_anew(self, drops: int) -> None:
        """Forgets everything but the drops of the rate: Caffe's snapshots have no more."""
        for part in self.parts.values():
            part.set_state({})
        if self.plateau is not None:
            self.plateau.drops = drops

    @property
    def _drops(self) -> int:
        return self.plateau.drops if self.plateau is not None else 0

    def _save_best(self, monitor: Monitor) -> Path | None:
        """Writes ``PREFIX_best.caffemodel``; None where that failed and training goes on."""
        path = Path(f"{self._prefix}_best.caffemodel{self._ending}")
        try:
            if self.average is not None and monitor.output.startswith(AVERAGED):
                self.average.save(path)
            else:
                weights.save(self._net, path)
        except SnapshotError as problem:
            if self._param.snapshot_on_error != self._param.GO_ON:
                raise
            log.warning("the best model is not saved: %s", problem)
            return None
        return path
