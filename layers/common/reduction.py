"""Reduction: sums or means over the last axes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Reduction")
class Reduction(Layer):
    """Reduces the axes from ``axis`` on to one number each.

    Formula:    SUM: y = c sum x;   ASUM: y = c sum |x|;   SUMSQ: y = c sum x^2;
                MEAN: y = c sum x / n      (c = coeff, n the number of values summed)
    Derivative: SUM: dL/dx = c dL/dy;   ASUM: c sign(x) dL/dy;   SUMSQ: 2 c x dL/dy;
                MEAN: c dL/dy / n

    Shapes: bottom any; top the bottom's axes before ``axis``.

    Parameters (reduction_param): operation (SUM); axis (0); coeff (1).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "norms" type: "Reduction" bottom: "data" top: "norms"
          reduction_param { operation: SUMSQ axis: 1 coeff: 0.5 }
        }

    Source: Caffe's Reduction.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.reduction_param, bottom[0].shape
        axis = self.axis(bottom[0], p.axis)
        self._rows = math.prod(shape[:axis]), math.prod(shape[axis:])
        if self._rows[1] == 0 and p.operation == p.MEAN:
            raise self.error(f'bottom "{bottom[0].name}" has nothing to average', f"shape {shape}")
        self._factor: float = p.coeff / self._rows[1] if p.operation == p.MEAN else p.coeff
        top[0].reshape(*shape[:axis])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x = self.layer_param.reduction_param, bottom[0].data.reshape(self._rows)
        y = top[0].data.reshape(-1)
        if p.operation == p.ASUM:
            np.sum(np.abs(x), axis=1, out=y)
        elif p.operation == p.SUMSQ:
            np.einsum("ij,ij->i", x, x, out=y)
        else:
            np.sum(x, axis=1, out=y)
        y *= self._factor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        p, x = self.layer_param.reduction_param, bottom[0].data.reshape(self._rows)
        dx: Array = bottom[0].diff.reshape(self._rows)
        dy = top[0].diff.reshape(-1, 1) * self._factor
        if p.operation == p.ASUM:
            np.multiply(np.sign(x, out=dx), dy, out=dx)
        elif p.operation == p.SUMSQ:
            np.multiply(x, 2 * dy, out=dx)
        else:
            dx[...] = dy
