"""Correlation of images with kernels, and its two gradients, by row-lowered products.

Lowering every axis (im2col) copies a pixel once for each tap of the kernel. Here all spatial
axes are lowered but the first: with rows stored outermost, ``kh`` of them in succession *are*
the columns of one output row, so overlapping views replace the copies along that axis, and
each output row of the whole batch is one matrix product.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike

from layers.blob import Array
from layers.kernels.geometry import Geometry
from layers.kernels.im2col import fold, padded, windows
from layers.kernels.product import multiply_maps
from layers.kernels.scratch import scratch
from layers.kernels.threads import OPERATIONS, pieces, share, thread_count

# Each thread takes so many images at a time that their rows stay below this, for its cache's sake.
ROWS_BYTES = 2 << 20

# Columns that make a matrix product worth its call: where the images of a part do not give an
# output row so many, all axes are lowered, and the columns are those of whole images.
ENOUGH_COLUMNS = 96

# Up to this ratio of inputs to outputs the data gradient is computed as a correlation; beyond,
# too many of its products would meet the zeros of the padding (measured).
TURN_BELOW = 1.25


class Correlation:
    """One correlation: its shapes and its geometry.

    Below, G is the number of groups, m and c are the maps and channels of one group, k the
    taps across a row, n the images of one part of the batch and q the outputs of a row.

    Args:
        images: shape (N, C, spatial...) of what is correlated.
        weights: shape (O, C / group, kernel...).
        group: how many blocks channels and maps fall into.
        geometry: how the kernel slides.
    """

    def __init__(
        self, images: Sequence[int], weights: Sequence[int], group: int, geometry: Geometry
    ):
        spatial = tuple(images[2:])
        self.group, self.maps, self.channels = group, weights[0] // group, images[1] // group
        self._set_geometry(spatial, geometry)
        # The rows under a kernel must be neighbours; an axis of length 1 put first is no row.
        if len(spatial) < 2 or geometry.dilation[0] > 1 or self._short_rows(images[0]):
            self._set_geometry((1, *spatial), geometry.with_axis())
        operations = 2 * math.prod(weights) * math.prod(self.out) * images[0]
        self._size = operations // OPERATIONS
        self._turned: Correlation | None = None

    def _set_geometry(self, spatial: tuple[int, ...], geometry: Geometry) -> None:
        self.spatial, self.geometry = spatial, geometry
        self.out = geometry.convolved(spatial)
        self.across = geometry.without_axis()
        self.kernel_rows, self.taps = geometry.kernel[0], math.prod(geometry.kernel[1:])

    def _short_rows(self, images: int) -> bool:
        """Whether an output row of all images that one thread takes at a time is too short."""
        at_a_time = min(self._images_at_a_time(4), -(-images // thread_count()))
        return at_a_time * math.prod(self.out[1:]) < ENOUGH_COLUMNS

    def forward(self, x: Array, weights: Array, bias: Array | None, y: Array) -> None:
        """y = the correlation of ``x`` with ``weights``, plus ``bias`` for each map."""
        matrix = self._matrix(weights)[:, None]

        def some(images: slice) -> None:
            for part in self._parts(images):
                products = self._products(part, x.dtype)
                multiply_maps(matrix, self._rows(x, part), products)
                if bias is not None:
                    products += bias.reshape(self.group, 1, self.maps, 1)
                np.copyto(self._by_image(y, part), self._images_first(products, part))

        share(some, len(x), self._size)

    def weight_gradient(self, x: Array, dy: Array, dw: Array) -> None:
        """Adds the gradient of the weights to ``dw``."""

        def some(images: slice) -> Array:
            total = np.zeros_like(self._matrix(dw))
            product = scratch("weight gradient", total.shape, x.dtype)
            for part in self._parts(images):
                rows, products = self._rows(x, part), self._products(part, x.dtype)
                np.copyto(self._images_first(products, part), self._by_image(dy, part))
                for row in range(self.out[0]):
                    total += np.matmul(products[:, row], rows[:, row].swapaxes(1, 2), out=product)
            return total

        for total in share(some, len(x), self._size):
            taps = total.reshape(self.group * self.maps, -1, self.channels)
            dw += taps.swapaxes(1, 2).reshape(dw.shape)

    def data_gradient(self, dy: Array, weights: Array, dx: Array) -> None:
        """Overwrites ``dx`` with the gradient of the images."""
        inputs, outputs = math.prod(self.spatial), math.prod(self.out)
        if max(self.geometry.stride) == 1 and inputs <= TURN_BELOW * outputs:
            self._correlate_back(dy, weights, dx)
        else:
            self._scatter_back(dy, weights, dx)

    def _correlate_back(self, dy: Array, weights: Array, dx: Array) -> None:
        """For stride 1 the gradient is a correlation too, with the kernel turned round."""
        kernel, group = self.geometry.kernel, self.group
        turned = weights.reshape(group, self.maps, self.channels, *kernel).swapaxes(1, 2)
        turned = np.flip(turned, tuple(range(3, turned.ndim)))
        turned = turned.reshape(group * self.channels, self.maps, *kernel)
        images = (dx.shape[0], group * self.maps, *self.out)
        if self._turned is None:
            rule = zip(self.geometry.extent, self.geometry.pad, strict=True)
            geometry = replace(self.geometry, pad=tuple(e - 1 - p for e, p in rule))
            self._turned = Correlation(images, turned.shape, group, geometry)
        self._turned.forward(dy.reshape(images), turned, None, dx)

    def _scatter_back(self, dy: Array, weights: Array, dx: Array) -> None:
        """Adds each product to the rows it came from, then folds the rows up."""
        matrix = self._matrix(weights).swapaxes(1, 2)

        def some(images: slice) -> None:
            for part in self._parts(images):
                self._scatter_part(dy, matrix, dx, part)

        share(some, len(dx), self._size)

    def _scatter_part(self, dy: Array, matrix: Array, dx: Array, part: slice) -> None:
        products, pad = self._products(part, dx.dtype), self.geometry.pad
        np.copyto(self._images_first(products, part), self._by_image(dy, part))
        shape = self._lowered_shape(part.stop - part.start)
        lowered = scratch("rows", shape, dx.dtype)
        lowered.fill(0)
        flat = lowered.reshape(*shape[:2], -1, products.shape[3])
        for row in range(self.out[0]):
            first = row * self.geometry.stride[0]
            under = flat[:, first : first + self.kernel_rows]
            under += (matrix @ products[:, row]).reshape(under.shape)
        images = dx[part].reshape(-1, self.group, self.channels, *self.spatial)
        inner = lowered[:, pad[0] : pad[0] + self.spatial[0]]
        fold(self._axes_back(inner), replace(self.across, pad=pad[1:]), images)

    def _rows(self, x: Array, part: slice) -> Array:
        """The rows under each output row: (G, rows, kernel_rows k c, n q), overlapping."""
        shape = self._lowered_shape(part.stop - part.start)
        lowered = scratch("rows", shape, x.dtype)
        images = x[part].reshape(-1, self.group, self.channels, *self.spatial)
        store = partial(scratch, "padded")
        view = windows(padded(images, self.geometry.pad, store), self.across)
        np.copyto(self._axes_back(lowered), view)
        row, columns = lowered.strides[1], math.prod(shape[-len(self.out) :])
        return as_strided(
            lowered,
            (self.group, self.out[0], self.kernel_rows * self.taps * self.channels, columns),
            (lowered.strides[0], row * self.geometry.stride[0], columns * x.itemsize, x.itemsize),
        )

    def _axes_back(self, lowered: Array) -> Array:
        """Rows (G, rows, k..., c, n, q...) seen as (n, G, c, rows, k..., q...)."""
        k = 2 + len(self.across.kernel)
        order = (k + 1, 0, k, 1, *range(2, k), *range(k + 2, lowered.ndim))
        return lowered.transpose(order)

    def _lowered_shape(self, images: int) -> tuple[int, ...]:
        """The shape of the rows of so many images: (G, rows, k..., c, n, q...)."""
        rows = self.spatial[0] + 2 * self.geometry.pad[0]
        return (self.group, rows, *self.across.kernel, self.channels, images, *self.out[1:])

    def _images_at_a_time(self, itemsize: int) -> int:
        """How many images have rows that fit into the limit, at least one."""
        return max(1, ROWS_BYTES // max(1, math.prod(self._lowered_shape(1)) * itemsize))

    def _parts(self, images: slice) -> Iterator[slice]:
        """The images of one thread in parts whose rows fit into the limit."""
        return pieces(images, self._images_at_a_time(4))

    def _matrix(self, weights: Array) -> Array:
        """The weights as matrices (G, m, kernel_rows k c), in the order of the rows."""
        by_map = weights.reshape(self.group, self.maps, self.channels, -1)
        return by_map.swapaxes(2, 3).reshape(self.group, self.maps, -1)

    def _products(self, part: slice, dtype: DTypeLike) -> Array:
        """Scratch for the outputs of each row: (G, rows, m, n q)."""
        columns = (part.stop - part.start) * math.prod(self.out[1:])
        return scratch("products", (self.group, self.out[0], self.maps, columns), dtype)

    def _images_first(self, products: Array, part: slice) -> Array:
        """Outputs (G, rows, m, n q) seen as (n, G, m, rows, q)."""
        shape = (*products.shape[:3], part.stop - part.start, -1)
        return products.reshape(shape).transpose(3, 0, 2, 1, 4)

    def _by_image(self, y: Array, part: slice) -> Array:
        """Images (N, O, out...) seen as (n, G, m, rows, q)."""
        return y[part].reshape(-1, self.group, self.maps, self.out[0], math.prod(self.out[1:]))
