"""ReLU: y = max(x, 0) + negative_slope * min(x, 0)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.threads import blockwise
from layers.registry import register_layer


@register_layer("ReLU")
class ReLU(NeuronLayer):
    """Rectified linear unit.

    Formula:    y = x where x > 0, else s x        (s = negative_slope)
    Derivative: dL/dx = dL/dy where x > 0, else s dL/dy

    Shapes: bottom any; top the same. Runs in place.

    Parameters (relu_param): negative_slope, 0 by default.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "relu" type: "ReLU" bottom: "data" top: "relu" }

    Source: Nair & Hinton, ICML 2010; Caffe's ReLU.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        slope = self.layer_param.relu_param.negative_slope

        def some(x: Array, y: Array) -> None:
            if slope == 0:
                np.maximum(x, 0, out=y)
            else:
                np.multiply(x, np.where(x > 0, 1, slope).astype(x.dtype), out=y)

        blockwise(some, x, y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        # In place, bottom holds y; for s >= 0 it has the sign of x, which is all that counts.
        x, dy, dx = bottom[0].data, top[0].diff, bottom[0].diff
        slope = self.layer_param.relu_param.negative_slope

        def some(x: Array, dy: Array, dx: Array) -> None:
            if slope == 0:
                np.multiply(dy, x > 0, out=dx)
            else:
                np.multiply(dy, np.where(x > 0, 1, slope).astype(x.dtype), out=dx)

        blockwise(some, x, dy, dx)
