"""Correlation with kernels of one tap: a matrix product at each pixel, nothing to lower."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from layers.blob import Array
from layers.kernels.geometry import Geometry


class Pointwise:
    """A 1 x 1 convolution without padding; see :class:`layers.kernels.convolver.Convolver`."""

    def __init__(
        self, images: Sequence[int], weights: Sequence[int], group: int, geometry: Geometry
    ):
        self.group, self.images = group, tuple(images)
        self.maps, self.channels = weights[0] // group, images[1] // group
        self.pixels = math.prod(geometry.convolved(images[2:]))
        self.steps: tuple[Any, ...] = (..., *(slice(None, None, s) for s in geometry.stride))
        self.strided = any(s > 1 for s in geometry.stride)

    def forward(self, x: Array, weights: Array, bias: Array | None, y: Array) -> None:
        """Overwrites ``y``."""
        out = y.reshape(-1, self.group, self.maps, self.pixels)
        np.matmul(self._matrix(weights), self._visited(x), out=out)
        if bias is not None:
            out += bias.reshape(self.group, self.maps, 1)

    def weight_gradient(self, x: Array, dy: Array, dw: Array) -> None:
        """Adds to ``dw``."""
        inputs = self._visited(x)
        grads, total = dy.reshape(-1, self.group, self.maps, self.pixels), self._matrix(dw)
        for group in range(self.group):
            total[group] += np.tensordot(grads[:, group], inputs[:, group], ((0, 2), (0, 2)))

    def data_gradient(self, dy: Array, weights: Array, dx: Array) -> None:
        """Overwrites ``dx``."""
        grads = dy.reshape(-1, self.group, self.maps, self.pixels)
        matrix = self._matrix(weights).swapaxes(1, 2)
        if not self.strided:
            out = dx.reshape(-1, self.group, self.channels, self.pixels)
            np.matmul(matrix, grads, out=out)
            return
        dx.fill(0)
        target = dx.reshape(self.images)[self.steps]
        target[...] = (matrix @ grads).reshape(target.shape)

    def _matrix(self, weights: Array) -> Array:
        return weights.reshape(self.group, self.maps, self.channels)

    def _visited(self, x: Array) -> Array:
        """The pixels that the stride visits, as matrices (N, group, channels, pixels)."""
        visited = x.reshape(self.images)[self.steps]
        return visited.reshape(-1, self.group, self.channels, self.pixels)
