"""RMSProp: steps scaled by a running mean of squared gradients."""

from __future__ import annotations

import numpy as np

from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
from layers.blob import Array


@register_solver("RMSProp")
class RMSProp(UpdateRule):
    """RMSProp (Tieleman & Hinton 2012; Caffe's RMSProp).

    h <- r h + (1 - r) g^2
    w <- w - a g / (sqrt(h) + d)

    a: learning rate; r: ``rms_decay`` (0.99); d: ``delta`` (1e-8). Takes no momentum.
    """

    slots = ("mean_square",)
    loop = "RMSProp"
    constants = ("rms_decay", "delta")

    def __init__(self, param: SolverParameter):
        super().__init__(param)
        if param.momentum:
            raise self.refuse("momentum", "0", "leave momentum out")
        self.check_share("rms_decay")

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        (mean_square,) = run.state
        gradient, scratch = run.gradient, run.scratch
        run.blend(mean_square, np.multiply(gradient, gradient, out=scratch), self.param.rms_decay)
        scale = np.sqrt(mean_square, out=scratch)
        scale += self.param.delta
        gradient /= scale
        gradient *= rate
        return gradient
