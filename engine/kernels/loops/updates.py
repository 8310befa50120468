"""The updates of large nets: each number is read and written once, and the step with it."""

from __future__ import annotations

import numpy as np
from numba import njit, prange
from numba.extending import overload

from engine.kernels.loops.compiled import vector_loop
from engine.kernels.loops.shares import share
from engine.kernels.loops.update_steps import INFINITE, STEPS

_LINE = 16  # floats


@njit(nogil=True)
def _share(place, part, parts):  # type: ignore[no-untyped-def]
    """Where a thread's share of a segment starts and ends: whole cache lines but for the last."""
    first, stop = place
    start, end = share(part, parts, (stop - first + _LINE - 1) // _LINE)
    return first + start * _LINE, min(first + end * _LINE, stop)


def step(factors, w, g, slots, a, b):  # type: ignore[no-untyped-def]
    """The step of the rule whose slots these are, from a to b, in compiled code."""
    raise NotImplementedError


@overload(step)
def _step(factors, w, g, slots, a, b):  # type: ignore[no-untyped-def]
    chosen = STEPS[slots.instance_class]

    def with_one(factors, w, g, slots, a, b):  # type: ignore[no-untyped-def]
        return chosen(factors, w[a:b], g[a:b], slots[0][a:b])

    def with_two(factors, w, g, slots, a, b):  # type: ignore[no-untyped-def]
        return chosen(factors, w[a:b], g[a:b], slots[0][a:b], slots[1][a:b])

    def with_three(factors, w, g, slots, a, b):  # type: ignore[no-untyped-def]
        return chosen(factors, w[a:b], g[a:b], slots[0][a:b], slots[1][a:b], slots[2][a:b])

    return (with_one, with_two, with_three)[len(slots) - 1]


@vector_loop
def update(places, factors, parts, w, g, slots):  # type: ignore[no-untyped-def]
    """One update of all parameters; each thread does its share of every segment.

    Args:
        places: (segments, 2), where each starts and stops.
        factors: (segments, factors), for each those of the rule's step.
        parts: threads.
        w, g: parameters and gradients, flat.
        slots: a tuple of the rule's, of a class of :mod:`engine.kernels.loops.update_steps`.

    Returns:
        whether the parameters are finite still.
    """
    largest = np.zeros(parts, np.uint32)
    for part in prange(parts):
        for k in range(len(places)):
            a, b = _share(places[k], part, parts)
            largest[part] = max(largest[part], step(factors[k], w, g, slots, a, b))
    return largest.max() < INFINITE
