"""Analytic against numerical gradients, in float64, by central differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine import Net
from engine.net.gradient_flow import Node
from layers import Layer

STEP = 1e-5
TOLERANCE = 1e-6
# Caffe's gradient of ContrastiveLoss divides by the distance plus 1e-4, its loss does not.
LOOSER = {"ContrastiveLoss": 1e-4}
# As in Caffe, no gradient flows back from the states that these expose as further tops.
ONLY_FIRST_TOP = {"LSTM", "RNN"}


def has_backward(layer: Layer) -> bool:
    """Whether the layer defines a derivative and has something to differentiate by."""
    return type(layer).backward is not Layer.backward


def spread(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Distinct values between -1.5 and 1.5, far enough apart (and from 0) for any kink."""
    count = int(np.prod(shape))
    grid = (np.arange(count) - (count - 1) / 2) * (3.0 / max(count, 1))
    return rng.permutation(grid + 0.4 / max(count, 1)).reshape(shape)


def fill_bottoms(node: Node, rng: np.random.Generator) -> None:
    """Values for the bottoms: spread out where they are differentiated, 0 or 1 where not."""
    for index, blob in enumerate(node.bottom):
        if node.layer.allow_force_backward(index):
            blob.data = spread(blob.shape, rng)
        else:
            blob.data = rng.integers(0, 2, blob.shape)


class GradientCheck:
    """Checks one layer of a float64 net for every bottom and every parameter.

    The scalar that is differentiated is the sum of all tops, each element times a random
    weight (a loss: times its loss weight).

    Args:
        net: a net with dtype float64.
        node: the layer in it, its bottoms filled.
        seed: of the random weights.
    """

    def __init__(self, net: Net, node: Node, seed: int = 3):
        self.net, self.node, self.layer = net, node, node.layer
        rng = np.random.default_rng(seed)
        self.bottoms = [blob.data.copy() for blob in node.bottom]
        self.params = [blob.data.copy() for blob in self.layer.blobs]
        self.state = dict(self.layer.get_state())
        self.generator = net.rng.bit_generator.state
        self.forward()
        self.top_weights = [
            np.full(blob.shape, weight) if weight else rng.uniform(0.5, 1.5, blob.shape)
            for blob, weight in zip(node.top, node.loss_weights, strict=True)
        ]
        if self.layer.type in ONLY_FIRST_TOP:
            self.top_weights[1:] = [np.zeros_like(values) for values in self.top_weights[1:]]
        if any(node.loss_weights):
            # Of a loss layer only the loss is differentiated, not what it also shows.
            self.top_weights = [
                values if weight else np.zeros_like(values)
                for values, weight in zip(self.top_weights, node.loss_weights, strict=True)
            ]

    def forward(self) -> float:
        """The objective, computed from the kept bottoms, parameters and random state."""
        for blob, values in zip(self.node.bottom, self.bottoms, strict=True):
            blob.data[...] = values
        for blob, values in zip(self.layer.blobs, self.params, strict=True):
            blob.data[...] = values
        self.layer.set_state(self.state)
        self.net.rng.bit_generator.state = self.generator
        self.layer.forward(self.node.bottom, self.node.top)
        if not hasattr(self, "top_weights"):
            return 0.0
        pairs = zip(self.node.top, self.top_weights, strict=True)
        return sum(float((blob.data * weights).sum()) for blob, weights in pairs)

    def run(self) -> int:
        """Compares; returns the number of derivatives compared.

        Raises:
            AssertionError: one differs, or a gradient has not the shape of its variable.
        """
        node, layer = self.node, self.layer
        propagate = [layer.allow_force_backward(index) for index in range(len(node.bottom))]
        layer.param_propagate_down = [True] * len(layer.blobs)
        self.forward()
        for blob in layer.blobs:
            blob.diff[...] = 0
        for blob, weights in zip(node.top, self.top_weights, strict=True):
            blob.diff[...] = weights
        layer.backward(node.top, propagate, node.bottom)
        frozen = getattr(layer, "frozen_params", False)
        checks = [
            (f"bottom {index}", self.bottoms[index], blob.diff.copy())
            for index, blob in enumerate(node.bottom)
            if propagate[index]
        ]
        if not frozen:
            checks += [
                (f"param {index}", self.params[index], blob.diff.copy())
                for index, blob in enumerate(layer.blobs)
            ]
        return sum(self._compare(*check) for check in checks)

    def _compare(self, what: str, values: np.ndarray, analytic: np.ndarray) -> int:
        assert analytic.shape == values.shape, f"{what}: gradient of another shape"
        numeric = numerical_gradient(self.forward, values)
        scale = max(1.0, float(np.abs(numeric).max(initial=0)))
        worst = np.abs(analytic - numeric).max(initial=0)
        assert worst <= LOOSER.get(self.layer.type, TOLERANCE) * scale, (
            f"{self.layer.type} {what}: gradients differ by {worst:.3g}\n"
            f"analytic {analytic}\nnumeric {numeric}"
        )
        return values.size


def numerical_gradient(objective: Callable[[], float], values: np.ndarray) -> np.ndarray:
    """Central differences of the objective by every element of ``values``."""
    gradient = np.zeros_like(values)
    flat, out = values.reshape(-1), gradient.reshape(-1)
    for index, value in enumerate(flat.copy()):
        flat[index] = value + STEP
        above = objective()
        flat[index] = value - STEP
        below = objective()
        flat[index] = value
        out[index] = (above - below) / (2 * STEP)
    return gradient
