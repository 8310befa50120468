"""Cutout."""

from __future__ import annotations

from typing import Any

from engine.data.augment.base import check
from engine.data.draws import Draws
from layers.blob import Array


class Cutout:
    """Squares of zeros anywhere in what the net is to see (DeVries and Taylor 2017).

    A square's centre lies in the image; what lies outside of it is cut off.
    """

    def __init__(self, param: Any):
        check(param.size > 0 and param.count > 0, "cutout", param.size, "size and count above 0")
        self._size, self._count = param.size, param.count

    def __call__(self, out: Array, draws: Draws) -> None:
        """Writes the zeros into the finished sample."""
        height, width = out.shape[-2:]
        for _ in range(self._count):
            y, x = (draws.integer(length) - self._size // 2 for length in (height, width))
            out[..., max(0, y) : y + self._size, max(0, x) : x + self._size] = 0
