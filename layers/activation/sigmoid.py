"""Sigmoid: y = 1 / (1 + exp(-x))."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.threads import blockwise
from layers.registry import register_layer


@register_layer("Sigmoid")
class Sigmoid(NeuronLayer):
    """The logistic function.

    Formula:    y = 1 / (1 + exp(-x)) = (1 + tanh(x / 2)) / 2
    Derivative: dL/dx = dL/dy y (1 - y)

    Shapes: bottom any; top the same. Runs in place.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "sigmoid" type: "Sigmoid" bottom: "data" top: "sigmoid" }

    Source: Caffe's Sigmoid.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        # The form with tanh: exp would overflow for large -x.
        def some(x: Array, y: Array) -> None:
            np.multiply(x, 0.5, out=y)
            np.tanh(y, out=y)
            y += 1
            y *= 0.5

        blockwise(some, bottom[0].data, top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        def some(y: Array, dy: Array, dx: Array) -> None:
            slope = 1 - y
            slope *= y
            np.multiply(dy, slope, out=dx)

        blockwise(some, top[0].data, top[0].diff, bottom[0].diff)
