"""Softmax: y = exp(x) / sum exp(x) along one axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.kernels.softmax import softmax
from layers.registry import register_layer


@register_layer("Softmax")
class Softmax(NeuronLayer):
    """Scores to probabilities.

    Formula:    y_k = exp(x_k) / sum_j exp(x_j), along ``axis``
    Derivative: dL/dx_k = y_k (dL/dy_k - sum_j dL/dy_j y_j)

    Shapes: bottom any; top the same. Runs in place.

    Parameters (softmax_param): axis (1), along which the values sum to 1.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "prob" type: "Softmax" bottom: "data" top: "prob" }

    Source: Caffe's Softmax.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._axis = self.axis(bottom[0], self.layer_param.softmax_param.axis)
        if bottom[0].shape[self._axis] == 0:
            raise self.error(
                f'bottom "{bottom[0].name}" has nothing along axis {self._axis}',
                got=f"shape {bottom[0].shape}",
            )
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        softmax(bottom[0].data, self._axis, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        y, dy, dx = top[0].data, top[0].diff, bottom[0].diff
        np.subtract(dy, (dy * y).sum(axis=self._axis, keepdims=True), out=dx)
        dx *= y
