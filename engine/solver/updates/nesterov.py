"""Nesterov: SGD with Nesterov's accelerated gradient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from layers.blob import Array


@register_solver("Nesterov")
class Nesterov(UpdateRule):
    """Nesterov's accelerated gradient (Sutskever et al., ICML 2013; Caffe's Nesterov).

    h' <- m h + a g
    w  <- w - ((1 + m) h' - m h)

    a: learning rate; m: ``momentum``.
    """

    slots = ("history",)

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        (history,) = state
        momentum = self.param.momentum
        before = history * momentum
        np.multiply(gradient, rate, out=history)
        history += before
        np.multiply(history, 1 + momentum, out=gradient)
        gradient -= before
