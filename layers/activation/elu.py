"""ELU: y = x where x > 0, else alpha (exp(x) - 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("ELU")
class ELU(NeuronLayer):
    """Exponential linear unit.

    Formula:    y = x where x > 0, else a (exp(x) - 1)      (a = alpha)
    Derivative: dL/dx = dL/dy where x > 0, else dL/dy (y + a)

    Shapes: bottom any; top the same. Runs in place, unless alpha is negative.

    Parameters (elu_param): alpha, 1 by default.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "elu" type: "ELU" bottom: "data" top: "elu" elu_param { alpha: 0.5 } }

    Source: Clevert et al., ICLR 2016; Caffe's ELU.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.layer_param.elu_param.alpha < 0:
            self.refuse_in_place(bottom, top)
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        below = np.minimum(x, 0, out=np.empty_like(x))
        np.expm1(below, out=below)
        below *= self.layer_param.elu_param.alpha
        np.maximum(x, 0, out=y)
        y += below

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        # In place, bottom holds y; for alpha >= 0 it is positive where x is, which is enough.
        above = bottom[0].data > 0
        slope = top[0].data + self.layer_param.elu_param.alpha
        slope *= ~above
        slope += above
        np.multiply(top[0].diff, slope, out=bottom[0].diff)
