"""AdamW: Adam whose weights decay on their own."""

from __future__ import annotations

from engine.solver.updates.adam import Adam
from engine.solver.updates.base import register_solver


@register_solver("AdamW")
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019; PyTorch's AdamW).

    w <- (1 - a wd) w
    m <- b1 m + (1 - b1) g
    v <- b2 v + (1 - b2) g^2
    w <- w - a (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + d)

    a: learning rate; wd: ``weight_decay``; b1: ``momentum``, 0.9 in the paper; b2:
    ``momentum2`` (0.999); d: ``delta`` (1e-8), added to the corrected root, which Caffe's
    Adam does not correct; t: iterations, this one included.
    """

    decoupled = True
    loop, passes = Adam.loop, Adam.passes
    corrected_root = True
