"""Pooling windows: where they lie, and sums along one axis after the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layers.blob import Array
from layers.kernels.geometry import pooled
from layers.kernels.scratch import scratch
from layers.kernels.threads import pieces, share

# Pixels that pass through the cache together.
_PART = 1 << 16


@dataclass(frozen=True)
class WindowAxis:
    """The windows along one spatial axis."""

    length: int
    kernel: int
    stride: int
    pad: int
    floor: bool = False

    @property
    def out(self) -> int:
        """Number of windows."""
        return pooled(self.length, self.kernel, self.stride, self.pad, self.floor)

    def taps(self) -> Iterator[tuple[int, slice, slice]]:
        """For each tap: the windows in which it lies inside the image, and where it lies."""
        out = self.out
        for tap in range(self.kernel):
            first = max(0, -(-(self.pad - tap) // self.stride))
            last = min(out - 1, (self.length - 1 + self.pad - tap) // self.stride)
            if first <= last:
                start = first * self.stride - self.pad + tap
                end = last * self.stride - self.pad + tap + 1
                yield tap, slice(first, last + 1), slice(start, end, self.stride)

    def window(self, index: int) -> tuple[int, int]:
        """Where a window starts in the image, and its length there."""
        start = index * self.stride - self.pad
        first, end = max(0, start), min(start + self.kernel, self.length)
        return first, max(0, end - first)

    def areas(self) -> Array:
        """The length of each window, padding included but nothing beyond it."""
        starts = np.arange(self.out) * self.stride - self.pad
        return np.minimum(starts + self.kernel, self.length + self.pad) - starts


def sum_pool(x: Array, rows: WindowAxis, columns: WindowAxis, y: Array) -> None:
    """Sums of windows."""
    source, target = _planes(x), _planes(y)
    step = max(1, _PART // max(1, rows.length * columns.length))

    def some(planes: slice) -> None:
        for part in pieces(planes, step):
            pixels, sums = source[part], target[part]
            middle = scratch("pool", (len(sums), rows.out, columns.length), x.dtype)
            middle.fill(0)
            for _, to, at in rows.taps():
                middle[:, to] += pixels[:, at]
            sums.fill(0)
            for _, to, at in columns.taps():
                sums[..., to] += middle[..., at]

    share(some, len(source), x.size * columns.kernel)


def spread(dy: Array, rows: WindowAxis, columns: WindowAxis, dx: Array) -> None:
    """The adjoint of :func:`sum_pool`: each pixel gets the sum over its windows."""
    source, target = _planes(dy), _planes(dx)
    step = max(1, _PART // max(1, rows.length * columns.length))

    def some(planes: slice) -> None:
        for part in pieces(planes, step):
            grads, sums = source[part], target[part]
            middle = scratch("pool", (len(sums), rows.out, columns.length), dx.dtype)
            middle.fill(0)
            for _, to, at in columns.taps():
                middle[..., at] += grads[..., to]
            sums.fill(0)
            for _, to, at in rows.taps():
                sums[:, at] += middle[:, to]

    share(some, len(source), dx.size * columns.kernel)


def _planes(array: Array) -> Array:
    """(N C, rows, columns)."""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])


def tap_indices(taps: Array, rows: WindowAxis, columns: WindowAxis) -> Array:
    """From taps (1 + row-major tap, 0 for none) to indices within an image plane (-1)."""
    across = np.arange(rows.kernel)[:, None] * columns.length + np.arange(columns.kernel)
    offsets = np.append(0, across.reshape(-1))
    starts = (np.arange(rows.out) * rows.stride - rows.pad)[:, None] * columns.length
    indices = np.take(offsets, taps)
    indices += starts + (np.arange(columns.out) * columns.stride - columns.pad)
    indices[taps == 0] = -1
    return indices
