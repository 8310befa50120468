"""Rows of mean 0 and variance 1, for the layers that normalize each sample by itself."""

from __future__ import annotations

import numpy as np

from layers.blob import Array


def standardize(rows: Array, eps: float) -> tuple[Array, Array]:
    """The rows less their means over their deviations, and the deviations (R, 1).

    Args:
        rows: (R, K), K above 0.
        eps: added to the variances, which are divided by K.
    """
    count = rows.dtype.type(rows.shape[1])
    unit = rows - rows.sum(axis=1, keepdims=True) / count
    variance = np.einsum("rk,rk->r", unit, unit)[:, None] / count
    deviation: Array = np.sqrt(variance + rows.dtype.type(eps))
    unit /= deviation
    return unit, deviation


def standardize_back(du: Array, unit: Array, deviation: Array) -> Array:
    """The gradient by the rows, ``(du - mean(du) - u mean(u du)) / deviation``."""
    count = du.dtype.type(du.shape[1])
    dx = du - du.sum(axis=1, keepdims=True) / count
    dx -= unit * (np.einsum("rk,rk->r", unit, du)[:, None] / count)
    dx /= deviation
    return dx
