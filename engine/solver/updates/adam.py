"""Adam: momentum, and steps scaled by a running mean of squared gradients."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from engine.kernels.onednn.elementwise import Factor, Passes
from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
from engine.solver.updates.whole.block import Block
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

    slots: ClassVar[tuple[str, ...]] = ("mean", "mean_square")
    loop: ClassVar[str] = "Adam"
    factors: ClassVar[tuple[str, ...]] = (
        "keep", "share", "decay", "new", "new_square", "delta", "pace"
    )  # fmt: skip
    constants: ClassVar[tuple[str, ...]] = ("momentum", "momentum2")
    corrected_root: ClassVar[bool] = False  # d sqrt(1 - b2^t) in place of d: as in the paper

    def __init__(self, param: SolverParameter):
        super().__init__(param)
        self.check_share("momentum")
        self.check_share("momentum2")

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        gradient = run.gradient
        mean, mean_square = run.state[:2]
        beta1, beta2, delta = self.param.momentum, self.param.momentum2, self.param.delta
        t = iteration + 1
        root = math.sqrt(1 - beta2**t)
        run.blend(mean, gradient, beta1)
        np.multiply(gradient, gradient, out=gradient)
        run.blend(mean_square, gradient, beta2)
        np.sqrt(self.divisor_square(run), out=gradient)
        gradient += delta * root if self.corrected_root else delta
        np.divide(mean, gradient, out=gradient)
        gradient *= rate * root / (1 - beta1**t)
        return gradient

    def passes(self, to: Passes, block: Block) -> None:
        (mean, square), w, g = block.state, block.values, block.gradient
        keep, share, decay, new, new_square, delta, pace = block.factors
        none = Factor(0)
        to.add(g, share, g, decay, w)
        to.add(mean, new, g, none, g, keep=self.param.momentum)
        to.multiply(square, new_square, g, g, keep=self.param.momentum2)
        to.root(g, square, delta)
        to.divide(g, pace, mean, g)
        to.add(w, keep, w, Factor(-1), g)

    def told(self, rate: float, share: float, decay: float, iteration: int) -> tuple[float, ...]:
        beta1, beta2, delta = self.param.momentum, self.param.momentum2, self.param.delta
        t = iteration + 1
        root = math.sqrt(1 - beta2**t)
        delta *= root if self.corrected_root else 1
        return share, decay, 1 - beta1, 1 - beta2, delta, rate * root / (1 - beta1**t)

    def divisor_square(self, run: Run) -> Array:
        """What the root is taken of: v."""
        return run.state[1]
