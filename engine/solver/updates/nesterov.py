"""Nesterov: SGD with Nesterov's accelerated gradient."""

from __future__ import annotations

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
from layers.blob import Array


@register_solver("Nesterov")
class Nesterov(UpdateRule):
    """Nesterov's accelerated gradient (Sutskever et al., ICML 2013; Caffe's Nesterov).

    h' <- m h + a g
    w  <- w - ((1 + m) h' - m h)

    a: learning rate; m: ``momentum``.
    """

    slots = ("history",)
    loop = "Nesterov"
    constants = ("momentum",)

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        (history,) = run.state
        momentum = self.param.momentum
        before = np.multiply(history, momentum, out=run.scratch)
        np.multiply(run.gradient, rate, out=history)
        history += before
        np.multiply(history, 1 + momentum, out=run.gradient)
        return np.subtract(run.gradient, before, out=run.gradient)
