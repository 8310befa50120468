"""Exp: y = base^(shift + scale x)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Exp")
class Exp(NeuronLayer):
    """An exponential.

    Formula:    y = b^(shift + scale x) = exp(ln(b) (shift + scale x))      (b = base)
    Derivative: dL/dx = dL/dy y scale ln(b)

    Shapes: bottom any; top the same. Runs in place.

    Parameters (exp_param): base (-1, which stands for e), else above 0; scale (1); shift (0).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "exp" type: "Exp" bottom: "data" top: "exp" exp_param { base: 2 shift: 1 } }

    Source: Caffe's Exp.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.exp_param
        if p.base != -1 and not p.base > 0:
            raise self.error("cannot use this base", f"{p.base:g}", "a number above 0, or -1 for e")
        self._log_base = 1.0 if p.base == -1 else math.log(p.base)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, y = self.layer_param.exp_param, top[0].data
        np.multiply(bottom[0].data, self._log_base * p.scale, out=y)
        y += self._log_base * p.shift
        np.exp(y, out=y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dx = bottom[0].diff
        np.multiply(top[0].diff, top[0].data, out=dx)
        dx *= self._log_base * self.layer_param.exp_param.scale
