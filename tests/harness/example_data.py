"""Bottoms that must hold something meaningful before a layer can be run on its example."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def priors(shape: tuple[int, ...]) -> np.ndarray:
    """Boxes along the diagonal of the image that overlap their neighbours; variances."""
    count = shape[2] // 4
    low = np.linspace(0, 0.6, count)
    boxes = np.stack((low, low, low + 0.35, low + 0.4), axis=1)
    variance = np.tile([0.1, 0.1, 0.2, 0.2], (count, 1))
    return np.stack((boxes.reshape(-1), variance.reshape(-1))).reshape(shape)


def objects(shape: tuple[int, ...]) -> np.ndarray:
    """Objects of class 1 and 2, the first ones in the images 0 and 1, the others nowhere."""
    rows = np.full((shape[2], 8), -1.0)
    rows[0] = 0, 1, 0, 0.05, 0.02, 0.4, 0.45, 0
    rows[1:2] = 1, 2, 0, 0.5, 0.55, 0.95, 0.9, 0
    return rows.reshape(shape)


Maker = Callable[[tuple[int, ...]], np.ndarray]
SPECIAL: dict[tuple[str, int], Maker] = {("MultiBoxLoss", 2): priors, ("MultiBoxLoss", 3): objects}
