"""ReLU6: y = min(max(x, 0), 6)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("ReLU6")
class ReLU6(NeuronLayer):
    """Rectified linear unit with a ceiling.

    Formula:    y = min(max(x, 0), 6)
    Derivative: dL/dx = dL/dy where 0 < x < 6, else 0

    Shapes: bottom any; top the same. Runs in place.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "relu6" type: "ReLU6" bottom: "data" top: "relu6" }

    Source: Howard et al., arXiv:1704.04861 (MobileNets); the ReLU6 layer of eric612/MobileNet-YOLO
    with its negative_slope of 0.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.clip(bottom[0].data, 0, 6, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        y = top[0].data  # strictly inside exactly where x is
        np.multiply(top[0].diff, (y > 0) & (y < 6), out=bottom[0].diff)
