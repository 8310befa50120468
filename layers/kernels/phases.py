"""Images split by the remainders of a stride, so that windows become contiguous runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from layers.blob import Array
from layers.kernels.pool import WindowAxis
from layers.kernels.scratch import scratch

# Elements of a phase that pass through the cache together.
PART = 1 << 16
# Runs are longer than the outputs they serve; beyond this ratio windows go one by one.
WASTE = 4


class Phases:
    """Images split by the remainders of the stride.

    Within a phase, the pixels under one tap of all windows are one contiguous run, so that a
    tap costs a few vector operations: strided access, and loops over short rows, are slow.
    """

    def __init__(self, rows: WindowAxis, columns: WindowAxis):
        self.axes = rows, columns
        self.shape = tuple(a.out + (a.kernel - 1) // a.stride for a in self.axes)
        self.remainders = tuple(min(a.stride, a.kernel) for a in self.axes)
        outputs = max(1, rows.out * columns.out)
        self.wasteful = self.shape[0] * self.shape[1] > WASTE * outputs

    def parts(self, planes: slice) -> Iterator[tuple[slice, int, int]]:
        """The planes in parts, with the length of a tap's run and the size of a phase."""
        rows, columns = self.axes
        one = self.shape[0] * self.shape[1]
        last = (rows.kernel - 1) // rows.stride * self.shape[1]
        last += (columns.kernel - 1) // columns.stride
        step = max(1, PART // one)
        for first in range(planes.start, planes.stop, step):
            part = slice(first, min(first + step, planes.stop))
            size = (part.stop - part.start) * one
            yield part, size - last, size

    def empty(self, planes: int, dtype: Any) -> Array:
        """Room for all phases of some planes."""
        return scratch("pool phases", (*self.remainders, planes, *self.shape), dtype)

    def split(self, planes: Array, outside: float) -> Array:
        """The phases of the planes, with ``outside`` beyond the image."""
        split = self.empty(len(planes), planes.dtype)
        for phase, place, pixels in self._places():
            source, target = planes[pixels], split[phase]
            if source.shape != target.shape:
                target.fill(outside)
            target[place] = source
        return split

    def join(self, split: Array, planes: Array) -> None:
        """Puts the phases together again; pixels in no window become 0."""
        planes.fill(0)
        for phase, place, pixels in self._places():
            planes[pixels] = split[phase][place]

    def taps(self, split: Array, run: int) -> Iterator[tuple[int, Array]]:
        """Each tap's mark, 1 + its row-major number, and its pixels under all windows."""
        rows, columns = self.axes
        for i, j in np.ndindex(rows.kernel, columns.kernel):
            phase = split[i % rows.stride, j % columns.stride].reshape(-1)
            first = i // rows.stride * self.shape[1] + j // columns.stride
            yield i * columns.kernel + j + 1, phase[first : first + run]

    def outputs(self, flat: Array) -> Array:
        """The elements of a phase-sized array that stand for windows: (planes, rows, columns)."""
        rows, columns = self.axes
        return flat.reshape(-1, *self.shape)[:, : rows.out, : columns.out]

    def _places(self) -> Iterator[tuple[tuple[int, int], tuple[Any, ...], tuple[Any, ...]]]:
        """Each phase, with the part of it that lies in the image, and that part's pixels."""
        for phase in np.ndindex(*self.remainders):
            place, pixels = [], []
            for axis, remainder, length in zip(self.axes, phase, self.shape, strict=True):
                first = max(0, -(-(axis.pad - remainder) // axis.stride))
                start = remainder + axis.stride * first - axis.pad
                count = max(0, min(length - first, -(-(axis.length - start) // axis.stride)))
                place.append(slice(first, first + count))
                pixels.append(
                    slice(start, start + (count - 1) * axis.stride + 1, axis.stride)
                    if count
                    else slice(0)
                )
            yield phase, (slice(None), *place), (slice(None), *pixels)
