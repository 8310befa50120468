"""Split: several tops that all show the one bottom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.kernels.threads import blockwise
from layers.registry import register_layer


@register_layer("Split")
class Split(Layer):
    """Lets several layers read one blob; nets insert it by themselves.

    Formula:    y_i = x for every top i
    Derivative: dL/dx = sum_i dL/dy_i

    Shapes: bottom any; every top the same, sharing the bottom's data.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3] } } }
        layer { name: "split" type: "Split" bottom: "data" top: "a" top: "b" }

    Source: Caffe's Split.
    """

    exact_num_bottom = 1
    min_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob in top:
            blob.reshape(*bottom[0].shape)
            blob.share_data(bottom[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        # Again, in case the bottom was moved to other storage since.
        for blob in top:
            blob.share_data(bottom[0])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        dx = bottom[0].diff
        if len(top) == 1:
            blockwise(np.copyto, dx, top[0].diff)
        else:
            blockwise(np.add, top[0].diff, top[1].diff, dx)
        for blob in top[2:]:
            blockwise(np.add, dx, blob.diff, dx)
