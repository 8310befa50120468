"""Weights of single samples: the third bottom that losses take if wished."""

from __future__ import annotations

from collections.abc import Sequence

from layers.base import Layer
from layers.blob import Array, Blob


def check_sample_weights(layer: Layer, bottom: Sequence[Blob], num: int) -> None:
    """Raises a LayerError unless a third bottom, if there is one, holds a number a sample."""
    if len(bottom) > 2 and bottom[2].count != num:
        raise layer.error(
            f'bottom "{bottom[2].name}" must hold a weight for each sample',
            f"shape {bottom[2].shape}",
            f"{num} weights",
        )


def weigh(values: Array, bottom: Sequence[Blob]) -> Array:
    """Multiplies, in place, what belongs to each sample by its weight, where weights are given."""
    if len(bottom) > 2:
        rows = values.reshape(bottom[2].count, -1)
        rows *= bottom[2].data.reshape(-1, 1)
    return values
