"""AdaGrad: steps scaled down by all the gradients seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule, register_solver
from layers.blob import Array


@register_solver("AdaGrad")
class AdaGrad(UpdateRule):
    """Adaptive subgradient method (Duchi et al., JMLR 2011; Caffe's AdaGrad).

    h <- h + g^2
    w <- w - a g / (sqrt(h) + d)

    a: learning rate; d: ``delta`` (1e-8). Takes no momentum.
    """

    slots = ("squares",)

    def __init__(self, param: SolverParameter):
        super().__init__(param)
        if param.momentum:
            raise self.refuse("momentum", "0", "leave momentum out")

    def update(self, gradient: Array, state: Sequence[Array], rate: float, iteration: int) -> None:
        (squares,) = state
        squares += gradient * gradient
        scale = np.sqrt(squares)
        scale += self.param.delta
        gradient /= scale
        gradient *= rate
