"""Whether values are numbers still."""

from __future__ import annotations

import math

import numpy as np

from layers.blob import Array


def all_finite(values: Array) -> bool:
    """Whether all are; a product with themselves tells it in less time than a look at each."""
    return math.isfinite(np.dot(values, values)) or bool(np.isfinite(values).all())
