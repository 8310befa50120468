"""LARS: SGD with a learning rate for each parameter, in proportion to its norm."""

from __future__ import annotations

import numpy as np

from engine.schema import SolverParameter
from engine.solver.updates.base import register_solver
from engine.solver.updates.run import Run
from engine.solver.updates.sgd import SGD
from layers.blob import Array


@register_solver("LARS")
class LARS(SGD):
    """Layer-wise adaptive rate scaling (You, Gitman & Ginsburg 2017).

    r  = trust |w| / (|g| + wd |w|), for each parameter (1 where |w| or |g| is 0)
    h <- m h + a r (g + wd w)
    w <- w - h

    a: learning rate; ``trust`` (0.001): the share of its norm that a parameter moves at a = 1;
    wd: ``weight_decay``, L2 only; m: ``momentum`` (0). Each blob (weights, biases) has its own
    norm; gradients are clipped before. With ``decoupled_decay`` wd leaves r and h.
    """

    whole_runs = True

    def __init__(self, param: SolverParameter):
        super().__init__(param)
        if param.trust <= 0:
            raise self.refuse("trust", "a number above 0")
        if param.regularization_type != "L2" and param.weight_decay and not param.decoupled_decay:
            raise self.refuse("regularization_type", "L2", "or set decoupled_decay: true")

    def regularise(self, run: Run, decay: float) -> None:
        weights, gradients = _norms(run, run.values), _norms(run, run.gradient)
        ratio = np.ones_like(weights)
        moving = (weights > 0) & (gradients > 0)
        divisor = gradients + decay * weights
        np.divide(self.param.trust * weights, divisor, out=ratio, where=moving)
        super().regularise(run, decay)
        gradient = run.gradient
        gradient *= np.repeat(ratio, np.diff(run.starts, append=gradient.size))


def _norms(run: Run, array: Array) -> Array:
    """The norm of each parameter; the padding between them is zero and adds nothing."""
    np.multiply(array, array, out=run.scratch)
    return np.sqrt(np.add.reduceat(run.scratch, run.starts))
