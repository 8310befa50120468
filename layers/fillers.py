"""Fillers: how parameters get their first values (Caffe's FillerParameter)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from layers.blob import Array
from layers.errors import nearest


def fill(array: Array, filler: Any, rng: np.random.Generator) -> None:
    """Fills ``array`` in place as the FillerParameter ``filler`` says.

    Raises:
        ValueError: an unknown filler, or one that this shape or these numbers do not suit.
    """
    function = FILLERS.get(filler.type)
    if function is None:
        near = nearest(filler.type, FILLERS)
        hint = f'; did you mean "{near}"?' if near else f"; known are {', '.join(FILLERS)}"
        raise ValueError(f'unknown filler "{filler.type}"{hint}')
    if filler.sparse != -1 and filler.type != "gaussian":
        raise ValueError(f'filler "{filler.type}" cannot be sparse; only gaussian can')
    if array.size:
        array[...] = function(array.shape, filler, rng)


def constant(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Any:
    """``value`` everywhere (0 unless given)."""
    return filler.value


def uniform(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Array:
    """Uniform between ``min`` (0) and ``max`` (1)."""
    if filler.min > filler.max:
        raise ValueError(f"uniform filler has min {filler.min} above max {filler.max}")
    return rng.uniform(filler.min, filler.max, shape)


def gaussian(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Array:
    """Normal with ``mean`` (0), ``std`` (1); ``sparse`` keeps about so many weights an output."""
    if filler.std <= 0:
        raise ValueError(f"gaussian filler needs a std above 0, got {filler.std}")
    values = rng.normal(filler.mean, filler.std, shape)
    if filler.sparse < -1:
        raise ValueError(f"gaussian filler has sparse {filler.sparse}; write 0 or more")
    if filler.sparse >= 0:
        values *= rng.random(shape) < filler.sparse / shape[0]
    return values


def positive_unitball(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Array:
    """Uniform in [0, 1), then scaled so that the weights of each output sum to 1."""
    values = rng.random(shape)
    rows = values.reshape(shape[0] if shape else 1, -1)
    rows /= rows.sum(axis=1, keepdims=True)
    return values


def xavier(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Array:
    """Uniform with variance 1/n (Glorot & Bengio 2010); n is the fan that variance_norm names."""
    scale = math.sqrt(3.0 / fan(shape, filler))
    return rng.uniform(-scale, scale, shape)


def msra(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Array:
    """Normal with variance 2/n, for rectified units (He et al. 2015)."""
    return rng.normal(0.0, math.sqrt(2.0 / fan(shape, filler)), shape)


def bilinear(shape: tuple[int, ...], filler: Any, rng: np.random.Generator) -> Array:
    """The bilinear interpolation kernel, for upsampling by Deconvolution."""
    if len(shape) != 4 or shape[2] != shape[3]:
        raise ValueError(f"bilinear filler needs shape (N, C, K, K), got {shape}")
    factor = math.ceil(shape[3] / 2)
    centre = (2 * factor - 1 - factor % 2) / (2.0 * factor)
    ramp = 1 - np.abs(np.arange(shape[3]) / factor - centre)
    return np.broadcast_to(np.outer(ramp, ramp), shape)


def fan(shape: tuple[int, ...], filler: Any) -> float:
    """Inputs (or outputs, or their mean) of one unit, for weights (outputs, inputs, ...)."""
    count = math.prod(shape)
    fan_in = count / (shape[0] if shape else 1)
    fan_out = count / shape[1] if len(shape) > 1 else count
    if filler.variance_norm == filler.AVERAGE:
        return (fan_in + fan_out) / 2
    return fan_out if filler.variance_norm == filler.FAN_OUT else fan_in


FILLERS: dict[str, Callable[[tuple[int, ...], Any, np.random.Generator], Any]] = {
    function.__name__: function
    for function in (constant, uniform, gaussian, positive_unitball, xavier, msra, bilinear)
}
