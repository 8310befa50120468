"""ROIPooling and PSROIPooling against plain loops, by what the layers of the forks compute."""

from __future__ import annotations

import math

import numpy as np

from tests.harness.one_layer import OneLayer, check

RNG = np.random.default_rng(3)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


def half_away(value: float) -> int:
    return int(math.floor(value + 0.5)) if value >= 0 else int(math.ceil(value - 0.5))


REGIONS = np.array(
    [
        [0, 0, 0, 7, 5],
        [1, 2.5, 1.4, 6.6, 9],
        [1, -3, -1, 4, 3],  # begins outside; -1.5 and -0.5 round away from zero
        [0, 5, 4, 3, 2],  # inside out
        [1, 20, 20, 30, 30],  # outside the map
    ]
)


def test_roi_pooling() -> None:
    x, scale = normal(2, 2, 5, 6), 0.5
    expected = np.zeros((len(REGIONS), 2, 2, 3))
    for r, (image, *box) in enumerate(REGIONS):
        left, upper, right, lower = (half_away(value * scale) for value in box)
        height, width = max(lower - upper + 1, 1), max(right - left + 1, 1)
        for i, j in np.ndindex(2, 3):
            rows = range(upper + i * height // 2, upper - (-(i + 1) * height // 2))
            columns = range(left + j * width // 3, left - (-(j + 1) * width // 3))
            inside = [(a, b) for a in rows for b in columns if 0 <= a < 5 and 0 <= b < 6]
            for c in range(2):
                if inside:
                    expected[r, c, i, j] = max(x[int(image), c, a, b] for a, b in inside)
    words = "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }"
    check(OneLayer(f'type: "ROIPooling" {words}', x, REGIONS), expected)


def test_psroi_pooling() -> None:
    x, scale = normal(2, 8, 5, 6), 0.5
    expected = np.zeros((len(REGIONS), 2, 2, 2))
    for r, (image, *box) in enumerate(REGIONS):
        left, upper, right, lower = (half_away(value) for value in box)
        top, side = upper * scale, left * scale
        height = max((lower + 1) * scale - top, 0.1)
        width = max((right + 1) * scale - side, 0.1)
        for c, i, j in np.ndindex(2, 2, 2):
            rows = range(math.floor(top + i * height / 2), math.ceil(top + (i + 1) * height / 2))
            columns = range(math.floor(side + j * width / 2), math.ceil(side + (j + 1) * width / 2))
            values = [
                x[int(image), (c * 2 + i) * 2 + j, a, b]
                for a in rows
                for b in columns
                if 0 <= a < 5 and 0 <= b < 6
            ]
            expected[r, c, i, j] = sum(values) / len(values) if values else 0
    words = "psroi_pooling_param { output_dim: 2 group_size: 2 spatial_scale: 0.5 }"
    check(OneLayer(f'type: "PSROIPooling" {words}', x, REGIONS), expected)
