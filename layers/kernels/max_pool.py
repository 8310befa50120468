"""Max pooling: the maximum of each window, which tap holds it, and the way back.

Windows of ordinary size are pooled tap by tap, all windows at once (see Phases); few large
windows one by one.
"""

from __future__ import annotations

import numpy as np

from layers.blob import Array
from layers.kernels.phases import Phases
from layers.kernels.pool import WindowAxis
from layers.kernels.scratch import scratch
from layers.kernels.threads import share


def max_pool(x: Array, rows: WindowAxis, columns: WindowAxis, y: Array, taps: Array | None) -> None:
    """Maxima of windows (N, C, rows, columns); -FLT_MAX where a window is empty.

    Args:
        taps: receives 1 + the tap (row-major in the window) that holds the first maximum,
            or 0 in an empty window; None if nobody wants to know.
    """
    phases = Phases(rows, columns)
    if phases.wasteful:
        _max_by_window(x, rows, columns, y, taps)
        return

    def some(planes: slice) -> None:
        marks = None if taps is None else _planes(taps)
        _max_by_tap(phases, planes, _planes(x), _planes(y), marks)

    share(some, y.shape[0] * y.shape[1], y.size * rows.kernel * columns.kernel)


def max_pool_back(dy: Array, taps: Array, rows: WindowAxis, columns: WindowAxis, dx: Array) -> None:
    """Each pixel of ``dx`` gets the sum of ``dy`` over the windows whose ``taps`` chose it."""
    phases = Phases(rows, columns)
    if phases.wasteful:
        _back_by_window(dy, taps, rows, columns, dx)
        return

    def some(planes: slice) -> None:
        _back_by_tap(phases, planes, _planes(dy), _planes(taps), _planes(dx))

    share(some, dy.shape[0] * dy.shape[1], dy.size * rows.kernel * columns.kernel)


def _max_by_tap(phases: Phases, planes: slice, x: Array, y: Array, taps: Array | None) -> None:
    """For some planes, all windows at once."""
    lowest = np.finfo(x.dtype).min
    for part, run, size in phases.parts(planes):
        split = phases.split(x[part], lowest)
        best = scratch("pool best", (size,), x.dtype)
        best.fill(lowest)
        marks = None if taps is None else scratch("pool marks", (size,), taps.dtype)
        if marks is not None:
            marks.fill(0)
        for mark, pixels in phases.taps(split, run):
            if marks is not None:
                # Marks grow from tap to tap, so the greatest is that of the last improvement.
                better = np.greater(pixels, best[:run], out=scratch("better", (run,), bool))
                new = scratch("pool new marks", (run,), marks.dtype)
                np.multiply(better.view(np.uint8), marks.dtype.type(mark), out=new)
                np.maximum(marks[:run], new, out=marks[:run])
            np.maximum(best[:run], pixels, out=best[:run])
        y[part] = phases.outputs(best)
        if taps is not None and marks is not None:
            taps[part] = phases.outputs(marks)


def _back_by_tap(phases: Phases, planes: slice, dy: Array, taps: Array, dx: Array) -> None:
    """For some planes, all windows at once."""
    for part, run, size in phases.parts(planes):
        grads = scratch("pool best", (size,), dy.dtype)
        marks = scratch("pool marks", (size,), taps.dtype)
        # Runs pass over elements that stand for no window; these must not hold old numbers.
        grads.fill(0)
        marks.fill(0)
        phases.outputs(grads)[...] = dy[part]
        phases.outputs(marks)[...] = taps[part]
        split = phases.empty(len(phases.outputs(grads)), dy.dtype)
        split.fill(0)
        for mark, pixels in phases.taps(split, run):
            chosen = np.equal(marks[:run], mark, out=scratch("better", (run,), bool))
            pixels += np.multiply(grads[:run], chosen, out=scratch("share", (run,), dy.dtype))
        phases.join(split, dx[part])


def _max_by_window(
    x: Array, rows: WindowAxis, columns: WindowAxis, y: Array, taps: Array | None
) -> None:
    """For few, large windows."""
    for i, j in np.ndindex(rows.out, columns.out):
        (top, height), (left, width) = rows.window(i), columns.window(j)
        pixels = x[:, :, top : top + height, left : left + width]
        flat = pixels.reshape(*x.shape[:2], height * width)
        if not flat.shape[2]:
            y[:, :, i, j] = np.finfo(x.dtype).min
            if taps is not None:
                taps[:, :, i, j] = 0
            continue
        first = flat.argmax(axis=2)
        y[:, :, i, j] = np.take_along_axis(flat, first[:, :, None], axis=2)[:, :, 0]
        if taps is not None:
            row, column = np.divmod(first, width)
            row += top - (i * rows.stride - rows.pad)
            column += left - (j * columns.stride - columns.pad)
            taps[:, :, i, j] = row * columns.kernel + column + 1


def _back_by_window(
    dy: Array, taps: Array, rows: WindowAxis, columns: WindowAxis, dx: Array
) -> None:
    """For few, large windows."""
    dx.fill(0)
    planes = _planes(dx)
    flat, every = planes.reshape(len(planes), -1), np.arange(len(planes))
    for i, j in np.ndindex(rows.out, columns.out):
        mark = taps[:, :, i, j].reshape(-1).astype(np.intp)
        row, column = np.divmod(mark - 1, columns.kernel)
        row += i * rows.stride - rows.pad
        column += j * columns.stride - columns.pad
        hit = mark > 0
        place = (row * columns.length + column)[hit]
        flat[every[hit], place] += dy[:, :, i, j].reshape(-1)[hit]


def _planes(array: Array) -> Array:
    """(N C, rows, columns)."""
    return array.reshape(array.shape[0] * array.shape[1], *array.shape[2:])
