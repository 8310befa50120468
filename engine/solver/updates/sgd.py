"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from layers.blob import Array


@register_solver("SGD")
class SGD(UpdateRule):
    """Gradient descent with momentum (Polyak 1964; Caffe's SGD).

    h <- m h + a g
    w <- w - h

    a: learning rate; m: ``momentum`` (0). Unlike PyTorch's, the history h contains the
    learning rate, so a change of rate fades in over some 1 / (1 - m) iterations.
    """

    slots = ("history",)

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        (history,) = state
        history *= self.param.momentum
        gradient *= rate
        history += gradient
        np.copyto(gradient, history)
