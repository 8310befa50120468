"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run


@register_solver("SGD")
class SGD(UpdateRule):
    """Gradient descent with momentum (Polyak 1964; Caffe's SGD).

    h <- m h + a g
    w <- w - h

    a: learning rate; m: ``momentum`` (0). Unlike PyTorch's, the history h contains the
    learning rate, so a change of rate fades in over some 1 / (1 - m) iterations.
    """

    slots = ("history",)

    def update(self, run: Run, rate: float, iteration: int) -> None:
        (history,) = run.state
        gradient = run.gradient
        history *= self.param.momentum
        gradient *= rate
        history += gradient
        np.copyto(gradient, history)
