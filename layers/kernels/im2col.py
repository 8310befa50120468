"""Sliding windows over N-dimensional images, as views, columns, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from layers.blob import Array
from layers.kernels.geometry import Geometry
from layers.kernels.scratch import scratch


def padded(x: Array, pad: Sequence[int], store: Callable[..., Array] | None = None) -> Array:
    """The array with zeros around its last axes; a negative pad cuts off instead.

    Args:
        x: images; returned as they are, or as a view, when nothing is to be added.
        pad: zeros on both ends of each of the last axes.
        store: makes the array to write to, given shape and dtype; its contents may be anything.
    """
    leading = x.shape[: x.ndim - len(pad)]
    if any(p < 0 for p in pad):
        x, pad = unpadded(x, [max(-p, 0) for p in pad]), [max(p, 0) for p in pad]
    if not any(pad):
        return x
    lengths = [n + 2 * p for n, p in zip(x.shape[len(leading) :], pad, strict=True)]
    target = (store or np.empty)((*leading, *lengths), x.dtype)
    target.fill(0)
    np.copyto(unpadded(target, pad), x)
    return target


def windows(x: Array, geometry: Geometry) -> Array:
    """A view (..., kernel..., out...) of all windows over the last axes, which are padded."""
    lead = x.ndim - len(geometry.kernel)
    spatial = x.strides[lead:]
    borderless = replace(geometry, pad=(0,) * len(spatial))
    taps = tuple(b * d for b, d in zip(spatial, geometry.dilation, strict=True))
    steps = tuple(b * s for b, s in zip(spatial, geometry.stride, strict=True))
    shape = (*x.shape[:lead], *geometry.kernel, *borderless.convolved(x.shape[lead:]))
    return as_strided(x, shape, (*x.strides[:lead], *taps, *steps))


def im2col(x: Array, geometry: Geometry) -> Array:
    """Columns (N, C k, out...) of the images (N, C, spatial...); k is the kernel's volume."""
    view = windows(padded(x, geometry.pad), geometry)
    out = view.shape[2 + len(geometry.kernel) :]
    return view.reshape(x.shape[0], x.shape[1] * math.prod(geometry.kernel), *out)


def col2im(columns: Array, geometry: Geometry, x: Array) -> None:
    """Adds up the columns (N, C k, out...) where they came from; overwrites ``x``.

    The adjoint of :func:`im2col`: each pixel gets the sum over the windows it lies in.
    """
    fold(columns.reshape(*x.shape[:2], *geometry.kernel, *columns.shape[2:]), geometry, x)


def fold(taps: Array, geometry: Geometry, x: Array) -> None:
    """Adds up (..., kernel..., out...) over the last axes of ``x``, which it overwrites.

    The adjoint of :func:`windows` of :func:`padded`.
    """
    lead, axes = x.ndim - len(geometry.kernel), len(geometry.kernel)
    leading, out = (slice(None),) * lead, taps.shape[taps.ndim - axes :]
    lengths = [n + 2 * p for n, p in zip(x.shape[lead:], geometry.pad, strict=True)]
    target = scratch("fold", (*x.shape[:lead], *lengths), x.dtype) if any(geometry.pad) else x
    target.fill(0)
    for tap in np.ndindex(*geometry.kernel):
        target[tap_slices(tap, geometry, out)] += taps[(*leading, *tap)]
    if target is not x:
        np.copyto(x, unpadded(target, geometry.pad))


def tap_slices(tap: Sequence[int], geometry: Geometry, out: Sequence[int]) -> tuple[Any, ...]:
    """Where one tap of the kernel meets the padded spatial axes, over all windows."""
    rule = zip(tap, geometry.dilation, geometry.stride, out, strict=True)
    return (..., *(slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, s, n in rule))


def unpadded(store: Array, pad: Sequence[int]) -> Array:
    """The view of a padded array that leaves the padding out."""
    lengths = store.shape[store.ndim - len(pad) :]
    inner: tuple[Any, ...] = tuple(slice(p, n - p) for p, n in zip(pad, lengths, strict=True))
    return store[(..., *inner)]
