"""RMSProp: steps scaled by a running mean of squared gradients."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule, register_solver
from layers.blob import Array


@register_solver("RMSProp")
class RMSProp(UpdateRule):
    """RMSProp (Tieleman & Hinton 2012; Caffe's RMSProp).

    h <- r h + (1 - r) g^2
    w <- w - a g / (sqrt(h) + d)

    a: learning rate; r: ``rms_decay`` (0.99); d: ``delta`` (1e-8). Takes no momentum.
    """

    slots = ("mean_square",)

    def __init__(self, param: SolverParameter):
        super().__init__(param)
        if param.momentum:
            raise self.refuse("momentum", "0", "leave momentum out")
        if not 0 <= param.rms_decay < 1:
            raise self.refuse("rms_decay", "a number from 0 up to, not including, 1")

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        (mean_square,) = state
        decay = self.param.rms_decay
        squares = gradient * gradient
        squares *= 1 - decay
        mean_square *= decay
        mean_square += squares
        scale = np.sqrt(mean_square, out=squares)
        scale += self.param.delta
        gradient /= scale
        gradient *= rate
