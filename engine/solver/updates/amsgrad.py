"""AMSGrad: Adam whose steps never grow because gradients shrink."""

from __future__ import annotations

import numpy as np

from engine.solver.updates.adam import Adam
from engine.solver.updates.base import register_solver
from engine.solver.updates.run import Run
from layers.blob import Array


@register_solver("AMSGrad")
class AMSGrad(Adam):
    """Adam with the largest mean square so far (Reddi et al., ICLR 2018; PyTorch's amsgrad).

    m <- b1 m + (1 - b1) g
    v <- b2 v + (1 - b2) g^2
    u <- max(u, v)
    w <- w - a (m / (1 - b1^t)) / (sqrt(u / (1 - b2^t)) + d)

    a: learning rate; b1: ``momentum``, 0.9 in the paper; b2: ``momentum2`` (0.999); d:
    ``delta`` (1e-8), added to the corrected root; t: iterations, this one included. With
    ``decoupled_decay: true`` it is PyTorch's AdamW with amsgrad.
    """

    slots = ("mean", "mean_square", "largest")
    loop = "AMSGrad"
    corrected_root = True

    def divisor_square(self, run: Run) -> Array:
        """What the root is taken of: u."""
        _, mean_square, largest = run.state
        return np.maximum(largest, mean_square, out=largest)
