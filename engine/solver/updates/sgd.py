"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from engine.kernels.onednn.elementwise import Factor, Passes
from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
from engine.solver.updates.whole.block import Block
from layers.blob import Array
from layers.kernels.combine import combine


@register_solver("SGD")
class SGD(UpdateRule):
    """Gradient descent with momentum (Polyak 1964; Caffe's SGD).

    h <- m h + a g
    w <- w - h

    a: learning rate; m: ``momentum`` (0). Unlike PyTorch's, the history h contains the
    learning rate, so a change of rate fades in over some 1 / (1 - m) iterations.
    """

    slots = ("history",)
    loop = "SGD"
    factors = ("keep", "gradient", "weights")
    constants = ("momentum",)

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        (history,) = run.state
        combine(rate, run.gradient, self.param.momentum, history)
        return history

    def passes(self, to: Passes, block: Block) -> None:
        (history,), w, g = block.state, block.values, block.gradient
        keep, ag, aw = block.factors
        to.add(history, ag, g, aw, w, keep=self.param.momentum)
        to.add(w, keep, w, Factor(-1), history)

    def told(self, rate: float, share: float, decay: float, iteration: int) -> tuple[float, ...]:
        return rate * share, rate * decay
