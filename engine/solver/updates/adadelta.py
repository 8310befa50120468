"""AdaDelta: step sizes from the ratio of past steps to past gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from layers.blob import Array


@register_solver("AdaDelta")
class AdaDelta(UpdateRule):
    """AdaDelta (Zeiler 2012; Caffe's AdaDelta).

    h <- m h + (1 - m) g^2
    s  = g sqrt((u + d) / (h + d))
    u <- m u + (1 - m) s^2
    w <- w - a s

    a: learning rate, 1 in the paper; m: ``momentum``, the decay of both means; d: ``delta``.
    """

    slots = ("mean_square", "mean_square_step")

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        mean_square, mean_square_step = state
        decay, delta = self.param.momentum, self.param.delta
        mean_square *= decay
        mean_square += (1 - decay) * (gradient * gradient)
        gradient *= np.sqrt((mean_square_step + delta) / (mean_square + delta))
        mean_square_step *= decay
        mean_square_step += (1 - decay) * (gradient * gradient)
        gradient *= rate
