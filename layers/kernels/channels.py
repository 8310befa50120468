"""Views and means by channel, for the layers that normalize."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from layers.blob import Array
from layers.kernels.threads import BLOCK, pieces, share

# Operations for each element, about.
_COST = 5


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


def channelwise(work: Callable[[slice], None], maps: Array) -> None:
    """Runs ``work`` on the channels of maps like these, few at a time, for the cache."""
    channels = maps.shape[1]
    step = max(1, BLOCK * channels // max(1, maps.size))

    def some(part: slice) -> None:
        for piece in pieces(part, step):
            work(piece)

    share(some, channels, _COST * maps.size)


def column(values: Array) -> Array:
    """One value a channel, shaped to go with maps."""
    return values.reshape(-1, 1)
