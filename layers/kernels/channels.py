"""Views and means by channel, for the layers that normalize."""

from __future__ import annotations

import math

import numpy as np

from layers.blob import Array


def as_maps(array: Array) -> Array:
    """The array (N, C, ...) as (N, C, pixels)."""
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))


def channel_sum(maps: Array) -> Array:
    """The sum of each channel (C,); the few sums of the maps are added up in float64."""
    return maps.sum(axis=2).sum(axis=0, dtype=np.float64).astype(maps.dtype)


def channel_mean(maps: Array) -> Array:
    """The mean of each channel (C,)."""
    count = max(1, maps.shape[0] * maps.shape[2])
    return (maps.sum(axis=2).sum(axis=0, dtype=np.float64) / count).astype(maps.dtype)


def column(values: Array) -> Array:
    """One value a channel, shaped to go with maps."""
    return values.reshape(-1, 1)
