"""The updates of large nets: each number is read and written once, and the step with it.

The loops go over segments of the parameters, each thread over its share of every segment.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numba import njit, prange

from engine.kernels.loops.compiled import compiled

_how: Any = {"fastmath": {"contract"}, "error_model": "numpy"}
_part = njit(nogil=True, **_how)
_loop: Callable[..., Any] = partial(compiled, **_how)

_LINE = 16  # floats
_SIGN = np.uint32(0x7FFFFFFF)
_INFINITE = np.uint32(0x7F800000)  # as a float's bits; those of NaN are greater


@_part
def _share(place, part, parts):  # type: ignore[no-untyped-def]
    """Where a thread's share of a segment starts and ends: whole cache lines but for the last."""
    first, stop = place
    lines = (stop - first + _LINE - 1) // _LINE
    start = first + lines * part // parts * _LINE
    return start, min(first + lines * (part + 1) // parts * _LINE, stop)


@_part
def _bits(x):  # type: ignore[no-untyped-def]
    """Those of a float without its sign: in the order of magnitudes, infinity and NaN last."""
    return np.uint32(np.float32(x).view(np.uint32) & _SIGN)


@_part
def _sgd(factors, w, g, h):  # type: ignore[no-untyped-def]
    """h <- m h + ag g + aw w;  w <- keep w - h"""
    momentum, keep, ag, aw = factors[0], factors[1], factors[2], factors[3]
    largest = np.uint32(0)
    for i in range(w.size):
        h[i] = momentum * h[i] + (ag * g[i] + aw * w[i])
        w[i] = keep * w[i] - h[i]
        largest = max(largest, _bits(w[i]))
    return largest


@_part
def _adam(factors, w, g, m, v):  # type: ignore[no-untyped-def]
    """m, v: means of G = share g + decay w and of G^2;  w <- keep w - pace m / (sqrt(v) + d)"""
    b1, b2, keep, share, decay = factors[0], factors[1], factors[2], factors[3], factors[4]
    new, new_square, delta, pace = factors[5], factors[6], factors[7], factors[8]
    largest = np.uint32(0)
    for i in range(w.size):
        gradient = share * g[i] + decay * w[i]
        m[i] = b1 * m[i] + new * gradient
        v[i] = b2 * v[i] + new_square * (gradient * gradient)
        w[i] = keep * w[i] - pace * m[i] / (np.sqrt(v[i]) + delta)
        largest = max(largest, _bits(w[i]))
    return largest


@_loop
def sgd(places, factors, parts, w, g, h):  # type: ignore[no-untyped-def]
    """One step of SGD.

    Args:
        places: (segments, 2), where each starts and stops.
        factors: (segments, 4), for each those of :func:`_sgd`.
        parts: threads.
        w, g, h: parameters, gradients and history, flat.

    Returns:
        whether the parameters are finite still.
    """
    largest = np.zeros(parts, np.uint32)
    for part in prange(parts):
        for k in range(len(places)):
            a, b = _share(places[k], part, parts)
            found = _sgd(factors[k], w[a:b], g[a:b], h[a:b])
            largest[part] = max(largest[part], found)
    return largest.max() < _INFINITE


@_loop
def adam(places, factors, parts, w, g, m, v):  # type: ignore[no-untyped-def]
    """One step of Adam; as :func:`sgd`, with the (segments, 9) factors of :func:`_adam`."""
    largest = np.zeros(parts, np.uint32)
    for part in prange(parts):
        for k in range(len(places)):
            a, b = _share(places[k], part, parts)
            found = _adam(factors[k], w[a:b], g[a:b], m[a:b], v[a:b])
            largest[part] = max(largest[part], found)
    return largest.max() < _INFINITE
