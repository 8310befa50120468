"""A Python layer to start from: the weighted distance, as a loss.

In a file of your own the import reads ``import caffe``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Blob
from layers.python import caffe


class WeightedDistance(caffe.Layer):
    """L = sum w_c (a - b)^2 / 2N with a learnt weight for each channel, starting from param_str."""

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.blobs.add_blob(bottom[0].channels)
        self.blobs[0].data[...] = float(self.param_str or 1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].count != bottom[1].count:
            raise ValueError("both bottoms must have as many elements")
        self.difference = np.zeros_like(bottom[0].data)
        top[0].reshape(1)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.difference[...] = bottom[0].data - bottom[1].data
        squares = self.blobs[0].data * self.difference**2
        top[0].data[...] = squares.sum() / bottom[0].num / 2

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        scale = top[0].diff[0] / bottom[0].num
        self.blobs[0].diff[...] += scale * (self.difference**2).sum(axis=0) / 2
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1), strict=True):
            if wanted:
                blob.diff[...] = sign * scale * self.blobs[0].data * self.difference
