"""Whole updates of solvers in one pass over the arena, which memory's speed alone limits.

Each takes the parameters w, their gradient g and the rule's slots, flat and of one length, and
runs of them (``starts`` to ``ends``) that have a learning rate each, a decay that is part of the
gradient and a share by which the weights shrink on their own. ``share`` scales the gradient.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

_ONE = np.float32(1)


@njit(parallel=True, nogil=True, cache=True, fastmath={"contract"})
def sgd(w, g, slots, starts, ends, rates, decays, shrinks, share, constants, parts):  # type: ignore[no-untyped-def]
    """h <- m h + a (s g + d w);  w <- (1 - k) w - h, with constants (m,)."""
    (history,), (momentum,) = slots, constants
    for part in prange(parts):
        for run in range(starts.size):
            length = ends[run] - starts[run]
            first, last = starts[run] + part * length // parts, (part + 1) * length // parts
            last += starts[run]
            # Slices, from 0 up: only so is the loop vectorised.
            w_, g_, h_ = w[first:last], g[first:last], history[first:last]
            rate, decay, keep = rates[run], decays[run], _ONE - shrinks[run]
            for i in range(last - first):
                h_[i] = momentum * h_[i] + rate * (share * g_[i] + decay * w_[i])
                w_[i] = keep * w_[i] - h_[i]


@njit(parallel=True, nogil=True, cache=True, fastmath={"contract"})
def adam(w, g, slots, starts, ends, rates, decays, shrinks, share, constants, parts):  # type: ignore[no-untyped-def]
    """m <- b1 m + (1 - b1) G;  v <- b2 v + (1 - b2) G^2;  w <- (1 - k) w - a c m / (sqrt(v) + e),

    with G = s g + d w and constants (b1, b2, e, c)."""
    (mean, square), (beta1, beta2, delta, correction) = slots, constants
    for part in prange(parts):
        for run in range(starts.size):
            length = ends[run] - starts[run]
            first, last = starts[run] + part * length // parts, (part + 1) * length // parts
            last += starts[run]
            w_, g_, m_, v_ = w[first:last], g[first:last], mean[first:last], square[first:last]
            pace, decay, keep = rates[run] * correction, decays[run], _ONE - shrinks[run]
            for i in range(last - first):
                gradient = share * g_[i] + decay * w_[i]
                m_[i] = beta1 * m_[i] + (_ONE - beta1) * gradient
                v_[i] = beta2 * v_[i] + (_ONE - beta2) * gradient * gradient
                w_[i] = keep * w_[i] - pace * m_[i] / (np.sqrt(v_[i]) + delta)
