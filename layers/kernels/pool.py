"""Pooling along one axis after the other: windows of max, of sums, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from layers.blob import Array
from layers.kernels.geometry import pooled
from layers.kernels.scratch import scratch


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

    def areas(self) -> Array:
        """The length of each window, padding included but nothing beyond it."""
        starts = np.arange(self.out) * self.stride - self.pad
        return np.minimum(starts + self.kernel, self.length + self.pad) - starts


def max_pool(x: Array, rows: WindowAxis, columns: WindowAxis, y: Array, taps: Array | None) -> None:
    """Maxima of windows (N, C, rows, columns); -FLT_MAX where a window is empty.

    Args:
        taps: receives 1 + the tap (row-major in the window) that holds the first maximum,
            or 0 in an empty window; None if nobody wants to know.
    """
    lowest = np.finfo(x.dtype).min
    if taps is None:
        # Whole rows first: they are contiguous.
        middle = scratch("pool", (*x.shape[:2], rows.out, x.shape[3]), x.dtype)
        middle.fill(lowest)
        for _, to, at in rows.taps():
            np.maximum(middle[:, :, to], x[:, :, at], out=middle[:, :, to])
        y.fill(lowest)
        for _, to, at in columns.taps():
            np.maximum(y[..., to], middle[..., at], out=y[..., to])
        return
    # Along the row first: then the first of equal rows holds the first of equal values.
    middle = scratch("pool", (*x.shape[:3], columns.out), x.dtype)
    middle_taps = scratch("pool taps", middle.shape, taps.dtype)
    middle.fill(lowest)
    middle_taps.fill(0)
    for tap, to, at in columns.taps():
        _raise(middle[..., to], middle_taps[..., to], x[..., at], tap + 1)
    y.fill(lowest)
    taps.fill(0)
    for tap, to, at in rows.taps():
        marks = middle_taps[:, :, at] + taps.dtype.type(tap * columns.kernel)
        _raise(y[:, :, to], taps[:, :, to], middle[:, :, at], marks)


def _raise(values: Array, taps: Array, candidates: Array, mark: Array | int) -> None:
    """Where a candidate is greater, takes it and its mark, which exceeds all marks so far."""
    better = np.greater(candidates, values)
    np.maximum(taps, np.multiply(better.view(np.uint8), mark, dtype=taps.dtype), out=taps)
    np.maximum(values, candidates, out=values)


def sum_pool(x: Array, rows: WindowAxis, columns: WindowAxis, y: Array) -> None:
    """Sums of windows."""
    middle = scratch("pool", (*x.shape[:2], rows.out, x.shape[3]), x.dtype)
    middle.fill(0)
    for _, to, at in rows.taps():
        middle[:, :, to] += x[:, :, at]
    y.fill(0)
    for _, to, at in columns.taps():
        y[..., to] += middle[..., at]


def spread(dy: Array, rows: WindowAxis, columns: WindowAxis, dx: Array) -> None:
    """The adjoint of :func:`sum_pool`: each pixel gets the sum over its windows."""
    middle = scratch("pool", (*dx.shape[:2], rows.out, dx.shape[3]), dx.dtype)
    middle.fill(0)
    for _, to, at in columns.taps():
        middle[..., at] += dy[..., to]
    dx.fill(0)
    for _, to, at in rows.taps():
        dx[:, :, at] += middle[:, :, to]


def tap_indices(taps: Array, rows: WindowAxis, columns: WindowAxis) -> Array:
    """From taps (1 + row-major tap, 0 for none) to indices within an image plane (-1)."""
    across = np.arange(rows.kernel)[:, None] * columns.length + np.arange(columns.kernel)
    offsets = np.append(0, across.reshape(-1))
    starts = (np.arange(rows.out) * rows.stride - rows.pad)[:, None] * columns.length
    indices = np.take(offsets, taps)
    indices += starts + (np.arange(columns.out) * columns.stride - columns.pad)
    indices[taps == 0] = -1
    return indices


def scatter(dy: Array, indices: Array, rows: WindowAxis, columns: WindowAxis, dx: Array) -> None:
    """Adds each window's gradient to the one pixel of its plane that ``indices`` names."""
    dx.fill(0)
    flat, plane = dx.reshape(-1), rows.length * columns.length
    planes = np.arange(dx.shape[0] * dx.shape[1]).reshape(*dx.shape[:2], 1, 1)
    empty = indices < 0 if indices.min(initial=0) < 0 else None
    indices = indices + planes * plane
    apart = [-(-axis.kernel // axis.stride) for axis in (rows, columns)]
    for i, j in np.ndindex(min(apart[0], rows.out), min(apart[1], columns.out)):
        # Windows so far apart share no pixel, so no two of these indices are equal.
        part = (..., slice(i, None, apart[0]), slice(j, None, apart[1]))
        if empty is None:
            flat[indices[part]] += dy[part]
        else:
            flat[indices[part][~empty[part]]] += dy[part][~empty[part]]
