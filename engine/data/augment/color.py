"""Random brightness, contrast, saturation and hue."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.data.augment.base import check
from engine.data.draws import Draws
from engine.data.images import channels_first, channels_last, import_cv2
from layers.blob import Array

# Shares of B, G and R in the lightness of a pixel (ITU-R BT.601).
_LIGHTNESS = np.array([0.114, 0.587, 0.299], np.float32)


class ColorJitter:
    """Factors for brightness, contrast and saturation, then a turn of the hue.

    Images of one channel have neither saturation nor hue.
    """

    def __init__(self, param: Any):
        self._ranges = param.brightness, param.contrast, param.saturation
        check(min(self._ranges) >= 0, "color_jitter", self._ranges, "factors of 0 or more")
        check(0 <= param.hue <= 0.5, "color_jitter hue", param.hue, "0 to 0.5")
        self._hue = param.hue
        if self._hue:
            import_cv2()

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        check(shape[0] in (1, 3), "color_jitter on these channels", shape[0], "1 or 3")
        return shape

    def __call__(self, image: Array, draws: Draws) -> Array:
        brightness, contrast, saturation = (
            draws.uniform(max(0.0, 1 - spread), 1 + spread) for spread in self._ranges
        )
        turn = draws.uniform(-self._hue, self._hue)
        pixels = channels_last(image).astype(np.float32)
        weights = _LIGHTNESS if image.shape[0] == 3 else np.ones(1, np.float32)
        # All three are linear in the pixel p with lightness g, whose mean over the image is m:
        # b (m + c (g + s (p - g) - m)).
        lightness = (pixels @ weights)[..., np.newaxis]
        pixels *= brightness * contrast * saturation
        pixels += lightness * (brightness * contrast * (1 - saturation))
        pixels += float(lightness.mean()) * brightness * (1 - contrast)
        changed = _as_type(pixels, image.dtype)
        if turn and image.shape[0] == 3:
            changed = _turn_hue(changed, turn)
        return channels_first(changed)


def _as_type(pixels: Array, dtype: np.dtype[Any]) -> Array:
    """Bytes saturate at 0 and 255, as images do; floats have no bounds."""
    if dtype != np.uint8:
        return pixels
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _turn_hue(image: Array, turn: float) -> Array:
    """The image (H, W, 3) with its hues turned by a share of the full circle."""
    cv2 = import_cv2()
    floats = image.astype(np.float32)
    hsv = cv2.cvtColor(floats, cv2.COLOR_BGR2HSV)
    hsv[..., 0] = (hsv[..., 0] + 360 * turn) % 360
    return _as_type(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), image.dtype)
