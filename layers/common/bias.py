"""Bias: y = x + b, with b spread over the axes it lacks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Blob
from layers.common.per_axis import PerAxisLayer
from layers.registry import register_layer


@register_layer("Bias")
class Bias(PerAxisLayer):
    """Adds a term for each channel, learnt or given as a second bottom.

    Formula:    y = x + b
    Derivative: dL/dx = dL/dy;   dL/db = sum of dL/dy over the axes that b lacks

    Shapes: bottom 0 any; bottom 1, where there is one, is b; top as bottom 0. b has the shape
    of bottom 0's axes from ``axis`` on. blobs[0] is b, where there is one bottom.
    Runs in place.

    Parameters (bias_param): axis (1), where b begins; num_axes (1) that b covers, with one
    bottom: -1 for all from axis, 0 for a scalar; filler (zeros).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "bias" type: "Bias" bottom: "data" top: "bias"
          bias_param { filler { type: "gaussian" } }
        }

    Source: Caffe's Bias.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(bottom) == 1:
            p = self.layer_param.bias_param
            self.add_blob(self.operand_shape(bottom, p), p.filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.refuse_in_place(bottom[1:], top)
        self.align(bottom[0], self._term(bottom).shape, self.layer_param.bias_param.axis)
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.add(bottom[0].data, self.spread(self._term(bottom).data), out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        term, dy = self._term(bottom), top[0].diff
        if len(bottom) > 1 and propagate_down[1]:
            term.diff = self.gather(dy, term.shape)
        elif len(bottom) == 1 and self.param_propagate_down[0]:
            term.diff += self.gather(dy, term.shape)
        if propagate_down[0] and top[0] is not bottom[0]:
            np.copyto(bottom[0].diff, dy)

    def _term(self, bottom: Sequence[Blob]) -> Blob:
        return bottom[1] if len(bottom) > 1 else self.blobs[0]
