"""Correlation with kernels of one tap: a matrix product at each pixel, nothing to lower."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from layers.blob import Array
from layers.kernels.geometry import Geometry
from layers.kernels.product import multiply_maps
from layers.kernels.threads import OPERATIONS, share


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
        operations = 2 * math.prod(weights) * self.pixels * images[0]
        self._size = operations // OPERATIONS

    def forward(self, x: Array, weights: Array, bias: Array | None, y: Array) -> None:
        """Overwrites ``y``."""
        out, matrix = self._outputs(y), self._matrix(weights)

        def some(images: slice) -> None:
            multiply_maps(matrix, self._visited(x, images), out[images])
            if bias is not None:
                out[images] += bias.reshape(self.group, self.maps, 1)

        share(some, len(out), self._size)

    def weight_gradient(self, x: Array, dy: Array, dw: Array) -> None:
        """Adds to ``dw``."""
        grads, total = self._outputs(dy), self._matrix(dw)

        def some(images: slice) -> Array:
            inputs, outputs = self._visited(x, images), grads[images]
            if self.pixels * (self.maps + self.channels) > self.maps * self.channels:
                return np.matmul(outputs, inputs.swapaxes(2, 3)).sum(axis=0)
            # Few pixels: all images side by side make one product that is worth its call.
            by_group = [array.swapaxes(0, 1) for array in (outputs, inputs)]
            pairs = zip(*by_group, strict=True)
            return np.stack([np.tensordot(a, b, ((0, 2), (0, 2))) for a, b in pairs])

        for part in share(some, len(grads), self._size):
            total += part

    def data_gradient(self, dy: Array, weights: Array, dx: Array) -> None:
        """Overwrites ``dx``."""
        grads, matrix = self._outputs(dy), self._matrix(weights).swapaxes(1, 2)
        target = dx.reshape(self.images)

        def some(images: slice) -> None:
            if not self.strided:
                out = target[images].reshape(-1, self.group, self.channels, self.pixels)
                np.matmul(matrix, grads[images], out=out)
                return
            target[images] = 0
            visited = target[images][self.steps]
            visited[...] = (matrix @ grads[images]).reshape(visited.shape)

        share(some, len(grads), self._size)

    def _matrix(self, weights: Array) -> Array:
        return weights.reshape(self.group, self.maps, self.channels)

    def _outputs(self, y: Array) -> Array:
        """Outputs as matrices (N, group, maps, pixels)."""
        return y.reshape(-1, self.group, self.maps, self.pixels)

    def _visited(self, x: Array, images: slice) -> Array:
        """The pixels of some images that the stride visits: (n, group, channels, pixels)."""
        visited = x.reshape(self.images)[images][self.steps]
        return visited.reshape(-1, self.group, self.channels, self.pixels)
