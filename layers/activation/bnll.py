"""BNLL: y = log(1 + exp(x))."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("BNLL")
class BNLL(NeuronLayer):
    """Binomial normal log likelihood, also known as softplus: a smooth ReLU.

    Formula:    y = log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))
    Derivative: dL/dx = dL/dy / (1 + exp(-x)) = dL/dy (1 - exp(-y))

    Shapes: bottom any; top the same. Runs in place.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "bnll" type: "BNLL" bottom: "data" top: "bnll" }

    Source: Caffe's BNLL.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        # The second form: exp cannot overflow.
        x, y = bottom[0].data, top[0].data
        tail = np.abs(x, out=np.empty_like(x))
        np.negative(tail, out=tail)
        np.log1p(np.exp(tail, out=tail), out=tail)
        np.maximum(x, 0, out=y)
        y += tail

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        y = top[0].data
        slope = np.negative(y, out=np.empty_like(y))
        np.expm1(slope, out=slope)
        np.negative(slope, out=slope)
        np.multiply(top[0].diff, slope, out=bottom[0].diff)
