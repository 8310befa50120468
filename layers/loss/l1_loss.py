"""L1Loss: L = sum |a - b| / N."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_same_size
from layers.registry import register_layer


@register_layer("L1Loss")
class L1Loss(LossLayer):
    """The mean absolute distance, for regression.

    Formula:    L = sum |a - b| / N, N the length of the first axis
    Derivative: dL/da = sign(a - b) / N;   dL/db = -dL/da

    Shapes: bottoms a and b (N, ...), of as many elements for each of the N; top a scalar.
    Both bottoms get gradients.

    Parameters: none.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3] } } }
        layer { name: "loss" type: "L1Loss" bottom: "a" bottom: "b" top: "loss" }

    Source: the L1Loss layer of NVIDIA/caffe.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._num = batch_size(self, bottom[0])
        check_same_size(self, bottom[0], bottom[1])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, b = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        difference = a - b
        self._sign: Array = np.sign(difference)
        top[0].data = np.abs(difference, out=difference).sum() / self._num

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        scale = float(top[0].diff) / self._num
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=True):
            if wanted:
                np.multiply(self._sign.reshape(blob.shape), sign * scale, out=blob.diff)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return True
