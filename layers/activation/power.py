"""Power: y = (shift + scale x)^power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.activation.kept_input import KeptInputLayer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Power")
class Power(KeptInputLayer):
    """A power of a linear function.

    Formula:    y = (shift + scale x)^p      (p = power)
    Derivative: dL/dx = dL/dy p scale (shift + scale x)^(p - 1)

    Shapes: bottom any; top the same. A broken power of a negative number is NaN.
    Runs in place.

    Parameters (power_param): power (1); scale (1); shift (0).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "power" type: "Power" bottom: "data" top: "power"
          power_param { power: 1.5 scale: 0.5 shift: 2 }
        }

    Source: Caffe's Power.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._power(self.keep(bottom, top), self.layer_param.power_param.power, top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        p, dx = self.layer_param.power_param, bottom[0].diff
        if p.power in (0, 1) or p.scale == 0:
            np.multiply(top[0].diff, p.power * p.scale, out=dx)
            return
        x = self.kept(bottom, top)
        slope = np.empty_like(x)
        self._power(x, p.power - 1, slope)
        slope *= p.power * p.scale
        np.multiply(top[0].diff, slope, out=dx)

    def _power(self, x: Array, exponent: float, out: Array) -> None:
        """``(shift + scale x)^exponent``."""
        p = self.layer_param.power_param
        np.multiply(x, p.scale, out=out)
        if p.shift:
            out += p.shift
        if exponent == 2:
            np.square(out, out=out)
        elif exponent != 1:
            with np.errstate(invalid="ignore", divide="ignore"):
                np.power(out, exponent, out=out)
