"""SpatialDropout: drops whole channels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import TRAIN, NeuronLayer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("SpatialDropout")
class SpatialDropout(NeuronLayer):
    """Sets a random share of the channels of each image to zero while training.

    Formula:    y = x m / (1 - r), where m is 0 for a whole channel with probability r, else 1;
                in phase TEST y = x
    Derivative: dL/dx = dL/dy m / (1 - r); in phase TEST dL/dy

    Shapes: bottom (N, C, ...); top the same. Runs in place.

    Parameters (spatial_dropout_param): dropout_ratio r, 0.5 by default; from 0 up to, but not, 1.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 2, 3] } } }
        layer { name: "drop" type: "SpatialDropout" bottom: "data" top: "drop" }

    Source: Tompson et al., CVPR 2015; the SpatialDropout layer of caffe-enet, which draws one
    mask for all images of a batch; here, as in the paper, each image has its own.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.axis(bottom[0], 1)
        self.ratio: float = self.layer_param.spatial_dropout_param.dropout_ratio
        if not 0 <= self.ratio < 1:
            raise self.error(
                "cannot drop this share of its channels",
                got=f"dropout_ratio: {self.ratio:g}",
                expected="0 or more and less than 1",
            )
        self.mask: Array = np.empty(0)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = bottom[0].data, top[0].data
        if self.phase == TRAIN:
            kept = self.context.rng.random(x.shape[:2]) >= self.ratio
            self.mask = (
                (kept / (1 - self.ratio))
                .astype(x.dtype)
                .reshape(*kept.shape, *(1 for _ in x.shape[2:]))
            )
            np.multiply(x, self.mask, out=y)
        elif y is not x:
            np.copyto(y, x)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dy, dx = top[0].diff, bottom[0].diff
        if not propagate_down[0]:
            return
        if self.phase == TRAIN:
            np.multiply(dy, self.mask, out=dx)
        elif dy is not dx:
            np.copyto(dx, dy)
