"""Scale: y = a x + b, with a (and b) spread over the axes it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from layers.blob import Array, Blob
from layers.common.per_axis import PerAxisLayer
from layers.registry import register_layer

ONES = SimpleNamespace(type="constant", value=1.0, sparse=-1)


@register_layer("Scale")
class Scale(PerAxisLayer):
    """Multiplies by a factor for each channel, learnt or given as a second bottom.

    Formula:    y = a x, or a x + b with bias_term
    Derivative: dL/dx = a dL/dy;   dL/da = sum of x dL/dy,   dL/db = sum of dL/dy, both over
                the axes that a lacks

    Shapes: bottom 0 any; bottom 1, where there is one, is a; top as bottom 0. a has the shape
    of bottom 0's axes from ``axis`` on. blobs: a, where there is one bottom; then b, with
    bias_term, of the shape of a. Runs in place.

    Parameters (scale_param): axis (1), where a begins; num_axes (1) that a covers, with one
    bottom: -1 for all from axis, 0 for a scalar; filler (ones); bias_term (false);
    bias_filler (zeros).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "scale" type: "Scale" bottom: "data" top: "scale"
          scale_param { bias_term: true filler { value: 2 } }
        }

    Source: Caffe's Scale.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.scale_param
        shape = self.operand_shape(bottom, p)
        if len(bottom) == 1:
            self.add_blob(shape, p.filler if p.HasField("filler") else ONES)
        if p.bias_term:
            self.add_blob(shape, p.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.refuse_in_place(bottom[1:], top)
        self.align(bottom[0], self._factor(bottom).shape, self.layer_param.scale_param.axis)
        if self.blobs and self.blobs[-1].shape != self._factor(bottom).shape:
            raise self.error(
                f'bottom "{bottom[1].name}" changed shape', bottom[1].shape, self.blobs[-1].shape
            )
        top[0].reshape(*bottom[0].shape)
        # In place, x would be lost before backward needs it.
        shape = bottom[0].shape if top[0] is bottom[0] else ()
        self._kept: Array = np.empty(shape, self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        bias = self.layer_param.scale_param.bias_term
        operands = [self._factor(bottom).data, *([self.blobs[-1].data] if bias else [])]

        def some(factor: Array, *rest: Array) -> None:
            x, y, *kept = rest[-len(arrays) :]
            for copy in kept:
                np.copyto(copy, x)
            np.multiply(x, factor, out=y)
            if bias:
                y += rest[0]

        arrays = (x, y, self._kept) if x is y else (x, y)
        self.combine(some, operands, *arrays)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        factor, dy = self._factor(bottom), top[0].diff
        x = self._kept if top[0] is bottom[0] else bottom[0].data
        if self.layer_param.scale_param.bias_term and self.param_propagate_down[-1]:
            self.blobs[-1].diff += self.gather(dy, factor.shape)
        if len(bottom) > 1 and propagate_down[1]:
            factor.diff = self.gather_product(x, dy, factor.shape)
        elif len(bottom) == 1 and self.param_propagate_down[0]:
            factor.diff += self.gather_product(x, dy, factor.shape)
        if propagate_down[0]:
            self.combine(_scaled, [factor.data], dy, bottom[0].diff)

    def _factor(self, bottom: Sequence[Blob]) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]


def _scaled(factor: Array, dy: Array, dx: Array) -> None:
    np.multiply(dy, factor, out=dx)
