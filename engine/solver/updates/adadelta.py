"""AdaDelta: step sizes from the ratio of past steps to past gradients."""

from __future__ import annotations

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
from layers.blob import Array


@register_solver("AdaDelta")
class AdaDelta(UpdateRule):
    """AdaDelta (Zeiler 2012; Caffe's AdaDelta).

    h <- m h + (1 - m) g^2
    s  = g sqrt(u + d) / sqrt(h + d)
    u <- m u + (1 - m) s^2
    w <- w - a s

    a: learning rate, 1 in the paper; m: ``momentum``, the decay of both means; d: ``delta``.
    """

    slots = ("mean_square", "mean_square_step")
    loop = "AdaDelta"
    constants = ("momentum", "delta")

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        mean_square, mean_square_step = run.state
        decay, gradient = self.param.momentum, run.gradient
        run.blend(mean_square, np.multiply(gradient, gradient, out=run.scratch), decay)
        gradient *= self._root(run, mean_square_step)
        gradient /= self._root(run, mean_square)
        run.blend(mean_square_step, np.multiply(gradient, gradient, out=run.scratch), decay)
        gradient *= rate
        return gradient

    def _root(self, run: Run, squares: Array) -> Array:
        np.add(squares, self.param.delta, out=run.scratch)
        return np.sqrt(run.scratch, out=run.scratch)
