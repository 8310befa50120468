"""Checks on the sizes of a batch, which several losses share."""

from __future__ import annotations

import math

from layers.base import Layer
from layers.blob import Blob


def batch_size(layer: Layer, blob: Blob) -> int:
    """The length of the blob's first axis.

    Raises:
        LayerError: there is none, or it is 0.
    """
    if blob.num_axes == 0 or blob.shape[0] == 0:
        raise layer.error(
            f'bottom "{blob.name}" holds no samples',
            got=f"shape {blob.shape}",
            expected="a first axis of 1 or more",
        )
    return blob.shape[0]


def check_one_each(layer: Layer, blob: Blob, num: int, what: str) -> None:
    """Raises a LayerError unless the blob holds one value for each of ``num`` samples."""
    if blob.count != num:
        raise layer.error(
            f'bottom "{blob.name}" must hold one {what} for each sample',
            got=f"shape {blob.shape}",
            expected=f"{num} values",
        )


def check_same_size(layer: Layer, a: Blob, b: Blob) -> None:
    """Raises a LayerError unless the samples of two blobs have as many elements."""
    if a.shape[:1] != b.shape[:1] or math.prod(a.shape[1:]) != math.prod(b.shape[1:]):
        raise layer.error(
            f'"{a.name}" and "{b.name}" must be of the same size', got=f"{a.shape} and {b.shape}"
        )
