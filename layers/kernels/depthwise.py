"""Correlation in which each channel has kernels of its own: shifted multiply-adds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from layers.blob import Array
from layers.kernels.geometry import Geometry
from layers.kernels.im2col import padded, tap_slices, unpadded
from layers.kernels.scratch import scratch
from layers.kernels.threads import pieces, share

# Elements of a part of the batch that pass through the cache together.
PART = 1 << 16


class Depthwise:
    """As many groups as channels; see :class:`layers.kernels.convolver.Convolver`.

    Matrix products would have one row each; here each tap of the kernel is one multiplication
    of whole images, so the work runs at the speed of the cache.
    """

    def __init__(self, images: Sequence[int], weights: Sequence[int], geometry: Geometry):
        self.channels, self.maps = images[1], weights[0] // images[1]
        self.geometry, self.spatial = geometry, tuple(images[2:])
        self.out = geometry.convolved(images[2:])
        size = self.channels * self.maps * math.prod(self.out)
        self.part = max(1, PART // max(1, size))
        self.images = math.prod(images[:1])
        self._size = 2 * self.images * size * math.prod(geometry.kernel)

    def forward(self, x: Array, weights: Array, bias: Array | None, y: Array) -> None:
        """Overwrites ``y``."""

        def some(part: slice) -> None:
            for images, target in self._parts(x, y, part):
                source = self._padded(images)
                product = scratch("product", target.shape, x.dtype)
                target.fill(0)
                for tap, weight in self._taps(weights):
                    np.multiply(source[self._under(tap)], weight, out=product)
                    target += product
                if bias is not None:
                    target += bias.reshape(self.channels, self.maps, *(1 for _ in self.out))

        share(some, self.images, self._size)

    def weight_gradient(self, x: Array, dy: Array, dw: Array) -> None:
        """Adds to ``dw``."""
        rest = (0, *range(3, 3 + len(self.out)))

        def some(part: slice) -> Array:
            total = np.zeros_like(dw)
            for images, grads in self._parts(x, dy, part):
                source = self._padded(images)
                product = scratch("product", grads.shape, x.dtype)
                for tap, weight in self._taps(total):
                    np.multiply(source[self._under(tap)], grads, out=product)
                    weight += product.sum(axis=rest, keepdims=True)[0]
            return total

        for total in share(some, self.images, self._size):
            dw += total

    def data_gradient(self, dy: Array, weights: Array, dx: Array) -> None:
        """Overwrites ``dx``."""
        pad = self.geometry.pad
        lengths = [n + 2 * p for n, p in zip(self.spatial, pad, strict=True)]

        def some(part: slice) -> None:
            for images, grads in self._parts(dx, dy, part):
                shape = (len(images), self.channels, 1, *lengths)
                target = scratch("padded", shape, dx.dtype)
                target.fill(0)
                product = scratch("product", grads.shape, dx.dtype)
                for tap, weight in self._taps(weights):
                    np.multiply(grads, weight, out=product)
                    total = product if self.maps == 1 else product.sum(axis=2, keepdims=True)
                    target[self._under(tap)] += total
                np.copyto(images, unpadded(target, pad).reshape(images.shape))

        share(some, self.images, self._size)

    def _parts(self, x: Array, y: Array, part: slice) -> Iterator[tuple[Array, Array]]:
        """Images (n, C, spatial...) and outputs (n, C, maps, out...), few at a time."""
        outputs = y.reshape(-1, self.channels, self.maps, *self.out)
        images = x.reshape(-1, self.channels, *self.spatial)
        for piece in pieces(part, self.part):
            yield images[piece], outputs[piece]

    def _taps(self, weights: Array) -> Iterator[tuple[tuple[int, ...], Array]]:
        """Each tap of the kernel with a view (C, maps, 1...) of its weights."""
        kernel = self.geometry.kernel
        by_channel = weights.reshape(self.channels, self.maps, *kernel)
        both, ones = (slice(None), slice(None)), (1,) * len(kernel)
        for tap in np.ndindex(*kernel):
            yield tap, by_channel[(*both, *tap)].reshape(self.channels, self.maps, *ones)

    def _padded(self, images: Array) -> Array:
        """Padded images (n, C, 1, spatial...)."""
        return padded(images, self.geometry.pad, partial(scratch, "padded"))[:, :, None]

    def _under(self, tap: tuple[int, ...]) -> tuple[Any, ...]:
        """Where a tap meets the padded images."""
        return tap_slices(tap, self.geometry, self.out)
