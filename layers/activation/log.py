"""Log: y = log_base(shift + scale x)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.activation.kept_input import KeptInputLayer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Log")
class Log(KeptInputLayer):
    """A logarithm.

    Formula:    y = ln(shift + scale x) / ln(b)      (b = base)
    Derivative: dL/dx = dL/dy scale / (ln(b) (shift + scale x))

    Shapes: bottom any; top the same. Where shift + scale x is negative y is NaN.
    Runs in place.

    Parameters (log_param): base (-1, which stands for e), else above 0 and not 1; scale (1);
    shift (0).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "log" type: "Log" bottom: "data" top: "log" log_param { base: 2 shift: 3 } }

    Source: Caffe's Log.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.log_param
        if p.base != -1 and (not p.base > 0 or p.base == 1):
            raise self.error(
                "cannot use this base", f"{p.base:g}", "a number above 0 but not 1, or -1 for e"
            )
        self._log_base = 1.0 if p.base == -1 else math.log(p.base)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        y = top[0].data
        self._inside(self.keep(bottom, top), y)
        with np.errstate(invalid="ignore", divide="ignore"):
            np.log(y, out=y)
        y *= 1 / self._log_base

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        x, dx = self.kept(bottom, top), bottom[0].diff
        inside = np.empty_like(x)
        self._inside(x, inside)
        with np.errstate(invalid="ignore", divide="ignore"):
            np.divide(top[0].diff, inside, out=dx)
        dx *= self.layer_param.log_param.scale / self._log_base

    def _inside(self, x: Array, out: Array) -> None:
        """What the logarithm is taken of."""
        np.multiply(x, self.layer_param.log_param.scale, out=out)
        out += self.layer_param.log_param.shift
