"""L1Loss: L = sum |a - b| / N."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_same_size
from layers.kernels.sample_weights import check_sample_weights, weigh
from layers.registry import register_layer


@register_layer("L1Loss")
class L1Loss(LossLayer):
    """The mean absolute distance, for regression.

    Formula:    L = sum w |a - b| / N, N the length of the first axis
    Derivative: dL/da = w sign(a - b) / N;   dL/db = -dL/da

    Shapes: bottoms a and b (N, ...), of as many elements for each of the N; bottom 2, if
    given, a weight w for each of the N (1), without a gradient; top a scalar.
    a and b get gradients.

    Parameters: none.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3] } } }
        layer { name: "loss" type: "L1Loss" bottom: "a" bottom: "b" top: "loss" }

    Source: the L1Loss layer of NVIDIA/caffe.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 3

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._num = batch_size(self, bottom[0])
        check_same_size(self, bottom[0], bottom[1])
        check_sample_weights(self, bottom, self._num)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, b = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        difference = a - b
        self._sign: Array = np.sign(difference)
        top[0].data = weigh(np.abs(difference, out=difference), bottom).sum() / self._num

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        scale = float(top[0].diff) / self._num
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=False):
            if wanted:
                np.multiply(self._sign.reshape(blob.shape), sign * scale, out=blob.diff)
                weigh(blob.diff, bottom)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index < 2
