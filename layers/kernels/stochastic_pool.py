"""Stochastic pooling: a pixel drawn with probability proportional to its value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from layers.blob import Array
from layers.kernels.pool import WindowAxis

Place = tuple[Any, ...]


def draw(
    x: Array, rows: WindowAxis, columns: WindowAxis, chance: Array, y: Array, taps: Array
) -> None:
    """Draws a pixel of each window.

    Args:
        chance: one number in [0, 1) for each window.
        taps: receives 1 + the row-major tap that was drawn.
    """
    threshold = (chance * _sums(x, rows, columns, y.shape)).astype(x.dtype)
    # A window of zeros has the first of its pixels drawn, as in Caffe.
    threshold[np.abs(threshold) < np.finfo(x.dtype).tiny] = 0
    reached, so_far = np.zeros(y.shape, bool), np.zeros_like(y)
    # Windows with negative sums may have none drawn; nothing of the last batch stays there.
    y.fill(0)
    taps.fill(0)
    for tap, to, at in _taps(rows, columns):
        so_far[to] += x[at]
        now = (so_far[to] >= threshold[to]) & ~reached[to]
        np.copyto(y[to], x[at], where=now)
        np.copyto(taps[to], tap + 1, where=now)
        reached[to] |= now


def weighted_mean(x: Array, rows: WindowAxis, columns: WindowAxis, y: Array) -> None:
    """The expectation of :func:`draw`: sum x^2 / sum x."""
    y.fill(0)
    for _, to, at in _taps(rows, columns):
        y[to] += x[at] * x[at]
    y /= _sums(x, rows, columns, y.shape)


def mean_gradient(x: Array, dy: Array, rows: WindowAxis, columns: WindowAxis, dx: Array) -> None:
    """The derivative of :func:`weighted_mean`: (2 x - y) / sum x."""
    y = np.empty_like(dy)
    weighted_mean(x, rows, columns, y)
    share = dy / _sums(x, rows, columns, dy.shape)
    dx.fill(0)
    for _, to, at in _taps(rows, columns):
        dx[at] += share[to] * (2 * x[at] - y[to])


def _sums(x: Array, rows: WindowAxis, columns: WindowAxis, shape: tuple[int, ...]) -> Array:
    """Sums of the windows in the order of :func:`draw`, kept from 0, by which they divide."""
    sums: Array = np.zeros(shape, x.dtype)
    for _, to, at in _taps(rows, columns):
        sums[to] += x[at]
    sums[sums == 0] = np.finfo(x.dtype).tiny
    return sums


def _taps(rows: WindowAxis, columns: WindowAxis) -> Iterator[tuple[int, Place, Place]]:
    """Row-major taps with their windows and pixels."""
    for i, to_row, at_row in rows.taps():
        for j, to_column, at_column in columns.taps():
            tap = i * columns.kernel + j
            yield tap, (..., to_row, to_column), (..., at_row, at_column)
