"""Permute: changes the order of the axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Permute")
class Permute(Layer):
    """Transposes a blob.

    Formula:    y = x with its axes in the order given
    Derivative: dL/dx = dL/dy with its axes in the inverse order

    Shapes: bottom any; top the same lengths in the new order.

    Parameters (permute_param): order, the old axes in their new order; axes that it leaves out
    follow in their old order.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4, 5] } } }
        layer {
          name: "perm" type: "Permute" bottom: "data" top: "perm"
          permute_param { order: [0, 2, 3, 1] }
        }

    Source: Liu et al., SSD, ECCV 2016; the Permute layer of weiliu89/caffe.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        order, axes = list(self.layer_param.permute_param.order), bottom[0].num_axes
        if len(set(order)) != len(order) or any(axis >= axes for axis in order):
            raise self.error(
                "permute_param.order must name axes of the bottom, each once",
                got=order,
                expected=f"axes 0 to {axes - 1}",
            )
        self.order = order + [axis for axis in range(axes) if axis not in order]
        top[0].reshape(*(bottom[0].shape[axis] for axis in self.order))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.copyto(top[0].data, bottom[0].data.transpose(self.order))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            np.copyto(bottom[0].diff.transpose(self.order), top[0].diff)
