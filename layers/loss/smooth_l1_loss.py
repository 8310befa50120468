"""SmoothL1Loss: quadratic near zero, linear beyond."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_same_size
from layers.kernels.labels import refuse_gradient
from layers.registry import register_layer


@register_layer("SmoothL1Loss")
class SmoothL1Loss(LossLayer):
    """The Huber loss, for regressing boxes.

    Formula:    d = u (a - b);   h(d) = r d^2 / 2 where |d| < 1 / r, else |d| - 1 / (2 r);
                L = sum v h(d) / N      (r = sigma^2, N the length of the first axis)
    Derivative: dL/da = u v h'(d) / N, with h'(d) = r d where |d| < 1 / r, else sign(d);
                dL/db = -dL/da

    Shapes: bottoms a and b (N, ...), of as many elements; bottoms 2 and 3, if given, the
    weights u and v, likewise (1 without), without gradients; top a scalar.

    Parameters (smooth_l1_loss_param): sigma (1).

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3] } } }
        layer {
          name: "loss" type: "SmoothL1Loss" bottom: "a" bottom: "b" top: "loss"
          smooth_l1_loss_param { sigma: 1.2 }
        }

    Source: Girshick, Fast R-CNN, ICCV 2015; the SmoothL1Loss layer of rbgirshick/caffe-fast-rcnn.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 4

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        sigma = self.layer_param.smooth_l1_loss_param.sigma
        if not 0 < sigma < math.inf:
            raise self.error("needs a finite sigma above 0", got=f"{sigma:g}")

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._num = batch_size(self, bottom[0])
        for blob in bottom[1:]:
            check_same_size(self, bottom[0], blob)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        square = self.layer_param.smooth_l1_loss_param.sigma**2
        d, *others = (blob.data.reshape(bottom[0].shape) for blob in bottom)
        d = d - others[0]
        if len(others) > 1:
            d *= others[1]
        distance = np.abs(d)
        near = distance < 1 / square
        losses = np.where(near, 0.5 * square * np.square(d), distance - 0.5 / square)
        self._slope: Array = np.where(near, square * d, np.sign(d))
        if len(others) > 1:
            self._slope *= others[1]
        if len(others) > 2:
            losses *= others[2]
            self._slope *= others[2]
        top[0].data = losses.sum() / self._num

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        scale = float(top[0].diff) / self._num
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1, 0, 0), strict=False):
            if wanted:
                np.multiply(self._slope.reshape(blob.shape), sign * scale, out=blob.diff)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index < 2
