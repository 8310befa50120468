"""Optimizer: one update of all parameters, in a few passes over the arena."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.blob_io import fit_legacy
from engine.errors import SnapshotError
from engine.net.params import Arena, Param
from engine.schema import SolverParameter
from engine.solver.updates import create_rule
from engine.solver.updates.base import add_penalty
from engine.solver.updates.finite import all_finite
from engine.solver.updates.run import Run, make_runs
from engine.solver.updates.whole.choice import whole_update
from layers.blob import Array
from layers.kernels.combine import combine
from layers.kernels.threads import share as share_out


class Optimizer:
    """Clips, averages and regularises the gradients, and applies the solver's update rule.

    The order is Caffe's. ``state`` holds the rule's slots, each an array laid out like the
    arena. With ``decoupled_decay`` (and rules such as AdamW) the decay is no part of the
    gradient; the weights decay on their own, by w <- w - rate * decay * w.

    Args:
        param: the solver's settings.
        arena: the parameters and their gradients.
        learnable: the parameters in the order in which Caffe numbers them.

    Raises:
        DemitasseError: the update rule is unknown, or a setting does not suit it.
    """

    def __init__(self, param: SolverParameter, arena: Arena, learnable: list[Param]):
        self.param = param
        self.arena = arena
        self.learnable = learnable
        self.rule = create_rule(param)
        self.decoupled: bool = param.decoupled_decay or self.rule.decoupled
        self.state = tuple(arena.empty_slot() for _ in self.rule.slots)
        self._whole = whole_update(self.rule, arena, self.state)
        self._runs = make_runs(arena, self.state, self.rule.whole_runs)

    def update(self, rate: float, iteration: int) -> bool:
        """Takes one step along the gradients in the arena.

        Args:
            rate: the learning rate.
            iteration: updates done before this one.

        Returns:
            whether the parameters are finite still. oneDNN's passes may look at a part of them,
            another one each time: at all in 16 updates.
        """
        # As Caffe: the norm is that of the sum over iter_size passes, before it is averaged.
        share = self._clipped_share() / self.param.iter_size
        finite = None if self._whole is None else self._whole(share, rate, iteration)
        if finite is not None:
            return finite

        def some(part: slice) -> bool:
            finite = True
            with np.errstate(all="ignore"):  # in each thread, as it is the thread's own
                for run in self._runs[part]:
                    self._update(run, share, rate, iteration)
                    finite &= all_finite(run.values)
            return finite

        return all(share_out(some, len(self._runs), self.arena.data.size))

    def _update(self, run: Run, share: float, rate: float, iteration: int) -> None:
        """One run's step, along so large a share of its gradient."""
        gradient = run.gradient
        if share != 1:
            gradient *= share
        pace, decay = rate * run.lr_mult, self.param.weight_decay * run.decay_mult
        self.rule.regularise(run, 0.0 if self.decoupled else decay)
        step = self.rule.update(run, pace, iteration)
        if self.decoupled and decay:
            add_penalty(run, self.param.regularization_type, -pace * decay, run.values)
        combine(-1, step, 1, run.values)

    def history(self) -> list[Array]:
        """The state as Caffe stores it: slot after slot, in each a view for every parameter."""
        return [view for slot in self.state for view in self.arena.views(slot, self.learnable)]

    def check_history(self, stored: list[Array], path: Path) -> None:
        """Checks that a solver state's history belongs to this net and update rule.

        Raises:
            SnapshotError: it does not.
        """
        mine = self.history()
        if len(mine) != len(stored):
            raise SnapshotError(
                "the solver state belongs to another net or solver type",
                str(path),
                f"a history of {len(stored)} arrays",
                f"{len(mine)} arrays",
                "resume with the config the snapshot was made with, or start anew with --weights",
            )
        for index, (array, other) in enumerate(zip(mine, stored, strict=True)):
            if fit_legacy(other, array.shape).shape != array.shape:
                raise SnapshotError(
                    f"the solver state does not fit the net: history {index} has another shape",
                    str(path),
                    str(other.shape),
                    str(array.shape),
                )

    def set_history(self, stored: list[Array]) -> None:
        """Takes over a history that :meth:`check_history` has passed."""
        for mine, other in zip(self.history(), stored, strict=True):
            mine[...] = other.reshape(mine.shape)

    def _clipped_share(self) -> float:
        """The factor that takes the gradient's norm down to ``clip_gradients``; 1 below it."""
        bound = self.param.clip_gradients
        if bound < 0:
            return 1.0
        norm = float(np.sqrt(np.dot(self.arena.diff, self.arena.diff)))
        return bound / norm if norm > bound else 1.0
