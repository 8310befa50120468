"""How WindowData draws windows, and warps them to one size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from engine.data.draws import Draws
from engine.data.images import resize
from engine.data.order import DataOrder, Slots
from engine.data.transformer import Shape, Transformer
from layers.blob import Array
from layers.errors import DemitasseError

_ORDER_KEY = 0x5749


class WindowOrder(DataOrder):
    """Draws the windows of each batch at random: background first, then objects.

    Args:
        count: number of windows.
        batch_size: windows in a batch.
        seed: chooses them.
        backgrounds: how many of the records, the first ones, are background.
        objects: how many of a batch are objects.
        skip: places to pass over at the very start.
    """

    def __init__(
        self, count: int, batch_size: int, seed: int, backgrounds: int, objects: int, skip: int = 0
    ):
        super().__init__(count, batch_size, seed=seed, skip=skip)
        self._backgrounds, self._objects = backgrounds, objects

    def slots(self, position: int) -> Slots:
        position += self.skip
        draws = Draws(self.seed, position, _ORDER_KEY)
        background = self.batch_size - self._objects
        records = [draws.integer(self._backgrounds) for _ in range(background)]
        objects = self.count - self._backgrounds
        records += [self._backgrounds + draws.integer(objects) for _ in range(self._objects)]
        # The same window may come twice in an epoch, so each place has a number of its own.
        epochs = np.arange(position, position + self.batch_size, dtype=np.int64)
        return Slots(epochs, np.array(records, np.int64))


class Warp(NamedTuple):
    """Where a window lies in its image, and where it goes in the sample."""

    y: slice
    x: slice
    height: int
    width: int
    top: int
    left: int


class WindowTransformer(Transformer):
    """Warps a window to crop_size by crop_size pixels; then mean and scale as elsewhere.

    Args:
        param, phase, dtype, mean: as for :class:`Transformer`.
        context_pad: pixels of surroundings on each side of the warped window.
        square: whether the window is widened to a square first.
        scale: used instead of the param's.
    """

    def __init__(
        self,
        param: Any,
        phase: int,
        dtype: DTypeLike,
        mean: Array | None,
        context_pad: int,
        square: bool,
        scale: float,
    ):
        super().__init__(param, phase, dtype, mean)
        self._scale = scale
        self._size = param.crop_size
        if not self._size or param.crop_h or param.crop_w:
            raise DemitasseError("WindowData needs transform_param.crop_size, and no crop_h")
        if 2 * context_pad >= self._size:
            raise DemitasseError(
                "context_pad leaves nothing of the window", "", str(context_pad),
                f"less than half of crop_size {self._size}",
            )  # fmt: skip
        self._pad, self._square = context_pad, square
        # Along both axes by what is left of the width: so Caffe places the mean.
        self._mean_offset = (0, 0)
        if self._mean_image is not None:
            width = self._mean_image.shape[2]
            self._mean_offset = (width - self._size) // 2, (width - self._size) // 2

    @property
    def same_for_all(self) -> bool:
        return False

    def _output_shape(self, shape: Shape) -> Shape:
        wanted = (shape[0], self._size, self._size)
        for change in self.augmentation.changes:
            if change.shape(wanted) != wanted:
                raise DemitasseError("WindowData takes no augment that changes the size")
        self._check_values(shape[0])
        if self._mean_image is not None and not self._mean_covers(shape[0]):
            raise DemitasseError(
                "the mean image does not cover the sample",
                got=f"{self._mean_image.shape}, of which the sample begins at {self._mean_offset}",
                expected=f"{wanted} from there on",
            )
        return wanted

    def _mean_covers(self, channels: int) -> bool:
        assert self._mean_image is not None
        held, *sides = self._mean_image.shape
        reach = (offset + self._size for offset in self._mean_offset)
        inside = all(end <= side for end, side in zip(reach, sides, strict=True))
        return held == channels and min(self._mean_offset) >= 0 and inside

    def sample(self, record: Sequence[Array], draws: Draws, out: Array) -> None:
        image, _, corners = record
        mirror = self._mirror and draws.integer(2) == 1
        warp = find_warp(corners, image.shape, self._size, self._pad, self._square, mirror)
        window = resize(image[:, warp.y, warp.x], warp.height, warp.width)
        for change in self.augmentation.changes:
            window = change(window, draws)
        out[...] = 0
        part = out[:, warp.top : warp.top + warp.height, warp.left : warp.left + warp.width]
        y, x = self._mean_offset[0] + warp.top, self._mean_offset[1] + warp.left
        self._subtract(window[..., ::-1] if mirror else window, part, y, x)
        for cutout in self.augmentation.cutouts:
            cutout(out, draws)

    def _subtract(self, window: Array, part: Array, y: int, x: int) -> None:
        mean, factor = self._for_axes(3)
        if mean is None:
            part[...] = window
        else:
            whole = mean.shape[1:] == (1, 1)
            height, width = part.shape[1:]
            np.subtract(window, mean if whole else mean[:, y : y + height, x : x + width], out=part)
        if factor is not None:
            part *= factor


def find_warp(
    corners: Array, shape: Shape, size: int, context: int, square: bool, mirror: bool
) -> Warp:
    """Where a window with its surroundings lies, and where what the image has of it goes.

    Raises:
        DemitasseError: the window does not lie in the image.
    """
    x1, y1, x2, y2 = (int(corner) for corner in corners)
    _, rows, columns = shape
    if not (0 <= x1 <= x2 < columns and 0 <= y1 <= y2 < rows):
        raise DemitasseError(
            "the window does not lie in its image",
            got=f"corners {x1}, {y1} and {x2}, {y2} in {columns} x {rows} pixels",
        )
    if not context and not square:
        return Warp(slice(y1, y2 + 1), slice(x1, x2 + 1), size, size, 0, 0)
    half_width, half_height = (x2 - x1 + 1) / 2, (y2 - y1 + 1) / 2
    middle_x, middle_y = x1 + half_width, y1 + half_height
    if square:
        half_width = half_height = max(half_width, half_height)
    grow = float(np.float32(size) / np.float32(size - 2 * context))
    across = _Side(middle_x, half_width * grow, columns, size)
    down = _Side(middle_y, half_height * grow, rows, size)
    left = across.after if mirror else across.before
    return Warp(
        slice(down.first, down.last + 1),
        slice(across.first, across.last + 1),
        max(1, min(down.length, size - down.before)),
        max(1, min(across.length, size - left)),
        down.before,
        left,
    )


class _Side:
    """One axis of a grown window: what the image has of it, and the padding, once warped."""

    def __init__(self, middle: float, half: float, length: int, size: int):
        first, last = _round(middle - half), _round(middle + half)
        scale = size / (last - first + 1)
        before, after = max(0, -first), max(0, last - length + 1)
        self.first, self.last = first + before, last - after
        self.length = _round((self.last - self.first + 1) * scale)
        self.before, self.after = _round(before * scale), _round(after * scale)


def _round(value: float) -> int:
    """To the nearest whole number, halves away from zero, as C does."""
    nearest = math.floor(abs(np.float32(value)) + 0.5)
    return nearest if value >= 0 else -nearest
