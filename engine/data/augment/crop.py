"""Random resized crop."""

from __future__ import annotations

import math
from typing import Any

from engine.data.augment.base import check
from engine.data.draws import Draws
from engine.data.images import import_cv2, resize
from layers.blob import Array

_TRIES = 10


class RandomResizedCrop:
    """A part of the image of random area, shape and place, resized (Szegedy et al. 2014)."""

    def __init__(self, param: Any):
        import_cv2()
        self._height = param.height or param.size
        self._width = param.width or param.size
        self._areas = param.min_area, param.max_area
        self._ratios = param.min_ratio, param.max_ratio
        check(
            min(self._height, self._width) > 0,
            "random_resized_crop has no size",
            f"{self._height} x {self._width}",
            "size, or height and width, above 0",
        )
        check(
            0 < self._areas[0] <= self._areas[1] <= 1, "areas", self._areas, "0 < min <= max <= 1"
        )
        check(0 < self._ratios[0] <= self._ratios[1], "ratio", self._ratios, "0 < min <= max")

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape[0], self._height, self._width

    def __call__(self, image: Array, draws: Draws) -> Array:
        height, width = image.shape[1:]
        h, w = self._size(height, width, draws)
        y, x = draws.integer(height - h + 1), draws.integer(width - w + 1)
        return resize(image[:, y : y + h, x : x + w], self._height, self._width)

    def _size(self, height: int, width: int, draws: Draws) -> tuple[int, int]:
        """Height and width of a part that fits; the largest square one if none is found."""
        low, high = (math.log(ratio) for ratio in self._ratios)
        for _ in range(_TRIES):
            area = height * width * draws.uniform(*self._areas)
            ratio = math.exp(draws.uniform(low, high))
            h, w = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
            if 0 < h <= height and 0 < w <= width:
                return h, w
        return min(height, width), min(height, width)
