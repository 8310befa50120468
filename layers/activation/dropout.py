"""Dropout: y = x m / (1 - ratio), with a fresh random mask m of zeros and ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import TRAIN, NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.threads import blockwise
from layers.registry import register_layer


@register_layer("Dropout")
class Dropout(NeuronLayer):
    """Sets a random share of the values to zero while training.

    Formula:    y = x m / (1 - r) with m = 0 with probability r, else 1; in phase TEST y = x
    Derivative: dL/dx = dL/dy m / (1 - r); in phase TEST dL/dy

    Shapes: bottom any; top the same. Runs in place.

    Parameters (dropout_param): dropout_ratio r, 0.5 by default; from 0 up to, but not, 1.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "drop" type: "Dropout" bottom: "data" top: "drop" }

    Source: Srivastava et al., JMLR 15 (2014); Caffe's Dropout.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._ratio: float = self.layer_param.dropout_param.dropout_ratio
        if not 0 <= self._ratio < 1:
            raise self.error(
                "cannot drop this share of its values",
                got=f"dropout_ratio: {self._ratio:g}",
                expected="0 or more and less than 1",
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape if self.phase == TRAIN else ()
        self._draws: Array = np.empty(shape, np.float32)
        self._mask: Array = np.empty(shape, self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self.phase == TRAIN:
            self.context.rng.random(dtype=np.float32, out=self._draws)
            np.greater_equal(self._draws, self._ratio, out=self._mask)
            self._mask *= 1 / (1 - self._ratio)
            blockwise(np.multiply, bottom[0].data, self._mask, top[0].data)
        elif top[0] is not bottom[0]:
            np.copyto(top[0].data, bottom[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if self.phase == TRAIN:
            blockwise(np.multiply, top[0].diff, self._mask, bottom[0].diff)
        elif top[0] is not bottom[0]:
            np.copyto(bottom[0].diff, top[0].diff)
