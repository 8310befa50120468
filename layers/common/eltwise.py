"""Eltwise: sum, product or maximum of the bottoms, element by element."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.threads import blockwise
from layers.registry import register_layer


@register_layer("Eltwise")
class Eltwise(Layer):
    """Combines bottoms of one shape.

    Formula:    SUM: y = sum_i c_i x_i;   PROD: y = prod_i x_i;   MAX: y = max_i x_i
    Derivative: SUM: dL/dx_i = c_i dL/dy;   PROD: dL/dx_i = dL/dy prod_(j != i) x_j;
                MAX: dL/dx_i = dL/dy where x_i was the largest, else 0

    Shapes: bottoms, at least two, all the same; top the same.

    Parameters (eltwise_param): operation (SUM); coeff, one c_i a bottom, for SUM only (all 1);
    stable_prod_grad (true), false to compute PROD's derivative as y / x_i, which is faster
    with many bottoms but fails at x_i = 0.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3] } } }
        layer {
          name: "sum" type: "Eltwise" bottom: "a" bottom: "b" top: "sum"
          eltwise_param { operation: SUM coeff: 1 coeff: -0.5 }
        }

    Source: Caffe's Eltwise.
    """

    min_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.eltwise_param
        if p.coeff and p.operation != p.SUM:
            raise self.error("takes coeff only with operation: SUM")
        if p.coeff and len(p.coeff) != len(bottom):
            raise self.error(
                "needs one coeff for each bottom", len(p.coeff), f"{len(bottom)}, or none"
            )
        self._coeff: list[float] = list(p.coeff) or [1.0] * len(bottom)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob in bottom[1:]:
            if blob.shape != bottom[0].shape:
                raise self.error(
                    f'"{bottom[0].name}" and "{blob.name}" must have the same shape',
                    got=f"{bottom[0].shape} and {blob.shape}",
                )
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, y = self.layer_param.eltwise_param, top[0].data
        x = [blob.data for blob in bottom]
        if p.operation == p.SUM:
            self._sum(x, y)
        elif p.operation == p.PROD:
            np.multiply(x[0], x[1], out=y)
            for more in x[2:]:
                y *= more
        else:
            self._max(x, y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        p, y, dy = self.layer_param.eltwise_param, top[0].data, top[0].diff
        x = [blob.data for blob in bottom]
        for i in range(len(bottom)):
            if not propagate_down[i]:
                continue
            dx = bottom[i].diff
            if p.operation == p.SUM:
                self._scaled(self._coeff[i], dy, dx)
            elif p.operation == p.MAX:
                np.multiply(dy, self._winner == i, out=dx)
            elif p.stable_prod_grad:
                np.copyto(dx, dy)
                for other in x[:i] + x[i + 1 :]:
                    dx *= other
            else:
                np.divide(y, x[i], out=dx)
                dx *= dy

    def _sum(self, x: list[Array], y: Array) -> None:
        def some(y: Array, *x: Array) -> None:
            if self._coeff == [1.0] * len(x):
                np.add(x[0], x[1], out=y)
                for more in x[2:]:
                    y += more
                return
            np.multiply(x[0], self._coeff[0], out=y)
            for more, coeff in zip(x[1:], self._coeff[1:], strict=True):
                y += coeff * more

        blockwise(some, y, *x)

    def _scaled(self, coeff: float, dy: Array, dx: Array) -> None:
        if coeff == 1:
            blockwise(np.copyto, dx, dy)
        else:
            blockwise(lambda dx, dy: np.multiply(dy, coeff, out=dx), dx, dy)

    def _max(self, x: list[Array], y: Array) -> None:
        # Where the first two are equal the second wins; after that the earlier one does.
        self._winner: Array = (x[1] >= x[0]).astype(np.int16)
        np.maximum(x[0], x[1], out=y)
        for i, more in enumerate(x[2:], start=2):
            np.maximum(self._winner, (more > y) * np.int16(i), out=self._winner)
            np.maximum(y, more, out=y)
