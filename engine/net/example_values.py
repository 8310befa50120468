"""Values for the inputs of a net that nobody fed: such that every derivative can be checked."""

from __future__ import annotations

import math

import numpy as np

from engine.net.gradient_check import differentiable
from engine.net.net import Net
from layers.blob import Array


def spread(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Distinct values between -1.5 and 1.5, far enough apart (and from 0) for any kink."""
    count = math.prod(shape)
    grid = (np.arange(count) - (count - 1) / 2) * (3.0 / max(count, 1))
    return rng.permutation(grid + 0.4 / max(count, 1)).reshape(shape)


def fill_inputs(net: Net, rng: np.random.Generator) -> None:
    """Fills the tops of Input layers: spread out, or 0 and 1 where they serve as labels."""
    for name in net.inputs:
        blob = net.blobs[name]
        _ = blob.data  # refuses a shape that is too large, before values are drawn for it
        if differentiable(net, blob):
            blob.data = spread(blob.shape, rng)
        else:
            blob.data = rng.integers(0, 2, blob.shape)
