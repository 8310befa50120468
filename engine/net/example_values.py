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
    """Feeds Input and MemoryData layers: values spread out, or 0 and 1 for labels."""
    for name in net.inputs:
        blob = net.blobs[name]
        _ = blob.data  # refuses a shape that is too large, before values are drawn for it
        if differentiable(net, blob):
            blob.data = spread(blob.shape, rng)
        else:
            blob.data = rng.integers(0, 2, blob.shape)
    for node in net.nodes:
        hand_over = getattr(node.layer, "set_input_arrays", None)  # MemoryData's
        if hand_over is not None:
            data, labels = (blob.shape for blob in node.top)
            hand_over(
                spread(data, rng).astype(np.float32),
                rng.integers(0, 2, labels).astype(np.float32),
            )
