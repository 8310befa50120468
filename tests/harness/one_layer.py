"""A net of one layer, fed with arrays: for tests that compare with a formula written out."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import TRAIN, Net
from engine.spec import parse_net
from tests.harness.gradient_check import GradientCheck


class OneLayer:
    """A float64 net of inputs and one layer on top of them.

    Args:
        text: the layer's type and parameters, as in ``type: "ReLU" relu_param { ... }``.
        bottoms: the values of its bottoms.
        tops: how many tops it makes.
        options: of the net.
    """

    def __init__(self, text: str, *bottoms: np.ndarray, tops: int = 1, **options: Any):
        names = [f"in{index}" for index in range(len(bottoms))]
        layers = [
            f'layer {{ name: "{name}" type: "Input" top: "{name}" '
            f"input_param {{ shape {{ {shape_text(values)} }} }} }}"
            for name, values in zip(names, bottoms, strict=True)
        ]
        ends = [f'bottom: "{name}"' for name in names] + [f'top: "out{i}"' for i in range(tops)]
        layers.append(f'layer {{ name: "it" {" ".join(ends)} {text} }}')
        options = {"phase": TRAIN, "seed": 1, "dtype": np.float64} | options
        self.net = Net(parse_net("\n".join(layers)), **options)
        self.node = next(node for node in self.net.nodes if node.layer.name == "it")
        self.layer = self.node.layer
        for blob, values in zip(self.node.bottom, bottoms, strict=True):
            blob.data = values

    def forward(self) -> np.ndarray:
        """A copy of the first top."""
        self.layer.forward(self.node.bottom, self.node.top)
        return self.node.top[0].data.copy()

    def backward(self, dy: np.ndarray | float) -> list[np.ndarray]:
        """The gradients by the bottoms (zeros where there is none); those by the blobs add up."""
        self.node.top[0].diff = dy
        wanted = [self.layer.allow_force_backward(i) for i in range(len(self.node.bottom))]
        for blob in self.layer.blobs:
            blob.diff.fill(0)
        self.layer.backward(self.node.top, wanted, self.node.bottom)
        return [blob.diff.copy() for blob in self.node.bottom]


def shape_text(values: np.ndarray) -> str:
    """The shape as fields of a BlobShape."""
    return " ".join(f"dim: {length}" for length in values.shape)


def check(one: OneLayer, expected: np.ndarray) -> None:
    """The top is as expected (to what a parameter of float32 allows), and the gradient fits it."""
    np.testing.assert_allclose(one.forward(), expected, atol=1e-6)
    GradientCheck(one.net, one.node).run()
