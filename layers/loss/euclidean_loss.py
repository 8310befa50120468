"""EuclideanLoss: L = sum (a - b)^2 / 2N."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_same_size
from layers.kernels.sample_weights import check_sample_weights, weigh
from layers.registry import register_layer


@register_layer("EuclideanLoss")
class EuclideanLoss(LossLayer):
    """Half the mean squared distance, for regression.

    Formula:    L = sum w (a - b)^2 / 2N, N the length of the first axis
    Derivative: dL/da = w (a - b) / N;   dL/db = w (b - a) / N

    Shapes: bottoms a and b (N, ...), of as many elements for each of the N; bottom 2, if
    given, a weight w for each of the N (1), without a gradient; top a scalar.
    a and b get gradients.

    Parameters: none.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3] } } }
        layer { name: "loss" type: "EuclideanLoss" bottom: "a" bottom: "b" top: "loss" }

    Source: Caffe's EuclideanLoss.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 3

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._num = batch_size(self, bottom[0])
        check_same_size(self, bottom[0], bottom[1])
        check_sample_weights(self, bottom, self._num)
        self._difference: Array = np.empty(bottom[0].shape, self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, b = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        d = np.subtract(a, b, out=self._difference).reshape(-1)
        weighed = weigh(d.copy(), bottom) if len(bottom) > 2 else d
        top[0].data = np.dot(d, weighed) / (2 * self._num)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        scale = float(top[0].diff) / self._num
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=False):
            if wanted:
                np.multiply(self._difference.reshape(blob.shape), sign * scale, out=blob.diff)
                weigh(blob.diff, bottom)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index < 2
