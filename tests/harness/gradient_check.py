"""The gradient check of the engine as tests use it: bottoms made up, failures raised."""

from __future__ import annotations

import numpy as np

from engine import Net
from engine.net.derivatives import STEP, TOLERANCE, numerical_gradient
from engine.net.example_values import spread
from engine.net.gradient_check import LayerCheck
from engine.net.gradient_ends import has_backward
from engine.net.gradient_flow import Node
from tests.harness.example_data import SPECIAL

__all__ = [
    "STEP",
    "TOLERANCE",
    "GradientCheck",
    "fill_bottoms",
    "has_backward",
    "numerical_gradient",
    "spread",
]


def fill_bottoms(node: Node, rng: np.random.Generator) -> None:
    """Values for the bottoms: spread out where they are differentiated, 0 or 1 where not."""
    for index, blob in enumerate(node.bottom):
        special = SPECIAL.get((node.layer.type, index))
        if special is not None:
            blob.data = special(blob.shape)
        elif node.layer.allow_force_backward(index):
            blob.data = spread(blob.shape, rng)
        else:
            blob.data = rng.integers(0, 2, blob.shape)


class GradientCheck(LayerCheck):
    """Checks one layer of a float64 net for every bottom and every parameter.

    Args:
        net: a net with dtype float64.
        node: the layer in it, its bottoms filled.
        seed: of the random weights of the tops.
    """

    def __init__(self, net: Net, node: Node, seed: int = 3):
        super().__init__(node, net.rng, seed)

    def run(self) -> int:
        """Compares; returns the number of derivatives compared.

        Raises:
            AssertionError: one differs, or a gradient has not the shape of its variable.
        """
        count = 0
        for found in self.compare(excuse_kinks=False):
            assert found.variable.analytic.shape == found.variable.values.shape, (
                f"{found.variable.name}: gradient of another shape"
            )
            assert found.passed, (
                f"{self.layer.type} {found.variable.name}: gradients differ by {found.error:.3g}\n"
                f"analytic {found.analytic}\nnumeric {found.numeric}"
            )
            count += len(found.places)
        return count
