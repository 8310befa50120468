"""Adam: momentum, and steps scaled by a running mean of squared gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.solver.updates.base import UpdateRule, register_solver
from layers.blob import Array


@register_solver("Adam")
class Adam(UpdateRule):
    """Adam (Kingma & Ba, ICLR 2015; Caffe's Adam).

    m <- b1 m + (1 - b1) g
    v <- b2 v + (1 - b2) g^2
    w <- w - a c m / (sqrt(v) + d),   c = sqrt(1 - b2^t) / (1 - b1^t)

    a: learning rate; b1: ``momentum``; b2: ``momentum2`` (0.999); d: ``delta`` (1e-8);
    t: iterations, this one included. As in Caffe, d is added to the uncorrected root.
    """

    slots = ("mean", "mean_square")

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        mean, mean_square = state
        beta1, beta2 = self.param.momentum, self.param.momentum2
        t = iteration + 1
        correction = math.sqrt(1 - beta2**t) / (1 - beta1**t)
        mean *= beta1
        mean += (1 - beta1) * gradient
        mean_square *= beta2
        gradient *= gradient
        gradient *= 1 - beta2
        mean_square += gradient
        np.sqrt(mean_square, out=gradient)
        gradient += self.param.delta
        np.divide(mean, gradient, out=gradient)
        gradient *= rate * correction
