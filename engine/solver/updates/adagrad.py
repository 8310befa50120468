"""AdaGrad: steps scaled down by all the gradients seen."""

from __future__ import annotations

import numpy as np

from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
from layers.blob import Array


@register_solver("AdaGrad")
class AdaGrad(UpdateRule):
    """Adaptive subgradient method (Duchi et al., JMLR 2011; Caffe's AdaGrad).

    h <- h + g^2
    w <- w - a g / (sqrt(h) + d)

    a: learning rate; d: ``delta`` (1e-8). Takes no momentum.
    """

    slots = ("squares",)
    loop = "AdaGrad"
    constants = ("delta",)

    def __init__(self, param: SolverParameter):
        super().__init__(param)
        if param.momentum:
            raise self.refuse("momentum", "0", "leave momentum out")

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        (squares,) = run.state
        gradient = run.gradient
        squares += np.multiply(gradient, gradient, out=run.scratch)
        scale = np.sqrt(squares, out=run.scratch)
        scale += self.param.delta
        gradient /= scale
        gradient *= rate
        return gradient
