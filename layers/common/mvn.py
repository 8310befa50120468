"""MVN: mean-variance normalization of each image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("MVN")
class MVN(NeuronLayer):
    """Gives each channel of each image mean 0 and, unless told otherwise, variance 1.

    Formula:    y = (x - mean) / (s + eps),   s = sqrt(mean of (x - mean)^2)
    Derivative: dL/dx = (dL/dy - mean(dL/dy) - y mean(y dL/dy)) / (s + eps)
                (exact for eps = 0); without variance dL/dx = dL/dy - mean(dL/dy)

    The means are over the pixels of a channel, or of the whole image with across_channels.

    Shapes: bottom (N, C, ...); top the same. Runs in place.

    Parameters (mvn_param): normalize_variance (true); across_channels (false); eps (1e-9).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4, 3] } } }
        layer { name: "mvn" type: "MVN" bottom: "data" top: "mvn" }

    Source: Caffe's MVN.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.normalized: Array = np.empty(0)
        self.deviation: Array = np.empty(0)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].num_axes < 2:
            raise self.error(
                f'bottom "{bottom[0].name}" needs at least 2 axes', got=f"shape {bottom[0].shape}"
            )
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x, y = self.layer_param.mvn_param, self._rows(bottom[0].data), self._rows(top[0].data)
        np.subtract(x, _mean(x), out=y)
        if p.normalize_variance:
            self.deviation = np.sqrt(_mean(y * y)) + x.dtype.type(p.eps)
            y /= self.deviation
            self.normalized = y.copy()

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        dy, dx = self._rows(top[0].diff), self._rows(bottom[0].diff)
        if not self.layer_param.mvn_param.normalize_variance:
            np.subtract(dy, _mean(dy), out=dx)
            return
        pull = self.normalized * _mean(self.normalized * dy)
        pull += _mean(dy)
        np.subtract(dy, pull, out=dx)
        dx /= self.deviation

    def _rows(self, array: Array) -> Array:
        """The array as a matrix of one row for all that shares a mean."""
        axes = 1 if self.layer_param.mvn_param.across_channels else 2
        lead = math.prod(array.shape[:axes])
        return array.reshape(lead, math.prod(array.shape[axes:]))


def _mean(rows: Array) -> Array:
    return rows.sum(axis=1, keepdims=True) / rows.dtype.type(max(1, rows.shape[1]))
