"""GELU: y = x Phi(x), with Phi the normal distribution function."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.activation.kept_input import KeptInputLayer
from layers.blob import Array, Blob
from layers.kernels.erf import erf
from layers.registry import register_layer


@register_layer("GELU")
class GELU(KeptInputLayer):
    """Gaussian error linear unit.

    Formula:    y = x P, with P = (1 + erf(x / sqrt(2))) / 2
    Derivative: dL/dx = dL/dy (P + x exp(-x^2 / 2) / sqrt(2 pi))

    Shapes: bottom any; top the same. Runs in place.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "gelu" type: "GELU" bottom: "data" top: "gelu" }

    Source: Hendrycks & Gimpel, arXiv:1606.08415.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x = self.keep(bottom, top)
        self._share: Array = erf(x * math.sqrt(0.5))
        self._share += 1
        self._share *= 0.5
        np.multiply(x, self._share, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        x = self.kept(bottom, top)
        slope = np.square(x, out=np.empty_like(x))
        slope *= -0.5
        np.exp(slope, out=slope)
        slope *= x
        slope *= 1 / math.sqrt(2 * math.pi)
        slope += self._share
        np.multiply(top[0].diff, slope, out=bottom[0].diff)
