"""Softmax along an axis, shared by the layers that need it."""

from __future__ import annotations

import numpy as np

from layers.blob import Array


def softmax(x: Array, axis: int, out: Array) -> None:
    """``out = exp(x) / sum(exp(x))`` along ``axis``; ``out`` may be ``x``."""
    # The largest value is taken off first, so that exp cannot overflow.
    np.subtract(x, x.max(axis=axis, keepdims=True), out=out)
    np.exp(out, out=out)
    out /= out.sum(axis=axis, keepdims=True)
