"""AbsVal: y = |x|."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("AbsVal")
class AbsVal(NeuronLayer):
    """The absolute value.

    Formula:    y = |x|
    Derivative: dL/dx = sign(x) dL/dy, with sign(0) = 0

    Shapes: bottom any; top the same. Does not run in place, where the sign would be lost.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "abs" type: "AbsVal" bottom: "data" top: "abs" }

    Source: Caffe's AbsVal.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.refuse_in_place(bottom, top)
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.abs(bottom[0].data, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dx = bottom[0].diff
        np.sign(bottom[0].data, out=dx)
        dx *= top[0].diff
