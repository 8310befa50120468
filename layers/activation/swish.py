"""Swish: y = x sigmoid(beta x)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Swish")
class Swish(NeuronLayer):
    """A smooth ReLU that dips below zero; also known as SiLU.

    Formula:    y = x s, with s = 1 / (1 + exp(-b x))      (b = beta)
    Derivative: dL/dx = dL/dy (b y + s (1 - b y))

    Shapes: bottom any; top the same. Runs in place.

    Parameters (swish_param): beta, 1 by default.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "swish" type: "Swish" bottom: "data" top: "swish" swish_param { beta: 2 } }

    Source: Ramachandran et al., arXiv:1710.05941; Caffe's Swish.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._sigmoid: Array = np.empty(bottom[0].shape, self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        s = self._sigmoid
        np.multiply(bottom[0].data, self.layer_param.swish_param.beta / 2, out=s)
        np.tanh(s, out=s)
        s += 1
        s *= 0.5
        np.multiply(bottom[0].data, s, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        beta_y = top[0].data * self.layer_param.swish_param.beta
        slope = 1 - beta_y
        slope *= self._sigmoid
        slope += beta_y
        np.multiply(top[0].diff, slope, out=bottom[0].diff)
