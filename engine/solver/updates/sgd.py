"""SGD: stochastic gradient descent with momentum."""

from __future__ import annotations

from engine.solver.updates.base import UpdateRule, register_solver
from engine.solver.updates.run import Run
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
    loop = "sgd"

    def update(self, run: Run, rate: float, iteration: int) -> Array:
        (history,) = run.state
        combine(rate, run.gradient, self.param.momentum, history)
        return history

    def constants(self, iteration: int) -> tuple[float, ...]:
        return (self.param.momentum,)
