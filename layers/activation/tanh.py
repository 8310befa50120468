"""TanH: y = tanh(x)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("TanH")
class TanH(NeuronLayer):
    """The hyperbolic tangent.

    Formula:    y = tanh(x)
    Derivative: dL/dx = dL/dy (1 - y^2)

    Shapes: bottom any; top the same. Runs in place.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "tanh" type: "TanH" bottom: "data" top: "tanh" }

    Source: Caffe's TanH.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.tanh(bottom[0].data, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        y = top[0].data
        slope = np.square(y, out=np.empty_like(y))
        np.subtract(1, slope, out=slope)
        np.multiply(top[0].diff, slope, out=bottom[0].diff)
