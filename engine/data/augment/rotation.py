"""Random rotation."""

from __future__ import annotations

from typing import Any

from engine.data.augment.base import check
from engine.data.draws import Draws
from engine.data.images import channels_first, channels_last, import_cv2
from layers.blob import Array


class Rotation:
    """The image turned about its centre, either way, by up to ``degrees``."""

    def __init__(self, param: Any):
        import_cv2()
        check(0 <= param.degrees <= 180, "rotation degrees", param.degrees, "0 to 180")
        self._degrees, self._fill = param.degrees, param.fill

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        return shape

    def __call__(self, image: Array, draws: Draws) -> Array:
        cv2 = import_cv2()
        channels, height, width = image.shape
        angle = draws.uniform(-self._degrees, self._degrees)
        turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
        fill = (self._fill,) * min(4, channels)
        turned = cv2.warpAffine(channels_last(image), turn, (width, height), borderValue=fill)
        return channels_first(turned)
