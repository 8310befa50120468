"""What each update rule does to parameters, number by number; the rules say what the letters are.

A step takes its factors, the same stretch of parameters w, gradients g and its rule's slots. The
gradient that counts is G = share g + decay w; ``keep`` is what the weights' own decay leaves. It
returns the largest magnitude that it has left in w, as :func:`magnitude` gives it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.kernels.loops.compiled import vector_part
from layers.blob import Array

INFINITE = np.uint32(0x7F800000)  # as a magnitude; those of NaN are greater
_SIGN, _ONE = np.uint32(0x7FFFFFFF), np.float32(1)


@vector_part
def magnitude(x):  # type: ignore[no-untyped-def]
    """A float's bits without its sign, which are ordered as magnitudes are."""
    return np.uint32(np.float32(x).view(np.uint32) & _SIGN)


class SGD(NamedTuple):
    """Slots of the rule."""

    history: Array


@vector_part
def sgd(factors, w, g, h):  # type: ignore[no-untyped-def]
    """h <- m h + ag g + aw w;  w <- keep w - h"""
    momentum, keep, ag, aw = factors[0], factors[1], factors[2], factors[3]
    largest = np.uint32(0)
    for i in range(w.size):
        h[i] = momentum * h[i] + (ag * g[i] + aw * w[i])
        w[i] = keep * w[i] - h[i]
        largest = max(largest, magnitude(w[i]))
    return largest


class Nesterov(NamedTuple):
    """Slots of the rule."""

    history: Array


@vector_part
def nesterov(factors, w, g, h):  # type: ignore[no-untyped-def]
    """h' <- m h + a G;  w <- keep w - ((1 + m) h' - m h)"""
    momentum, keep, share, decay, rate = factors[0], factors[1], factors[2], factors[3], factors[4]
    largest = np.uint32(0)
    for i in range(w.size):
        before = momentum * h[i]
        h[i] = before + rate * (share * g[i] + decay * w[i])
        w[i] = keep * w[i] - ((_ONE + momentum) * h[i] - before)
        largest = max(largest, magnitude(w[i]))
    return largest


class AdaGrad(NamedTuple):
    """Slots of the rule."""

    squares: Array


@vector_part
def ada_grad(factors, w, g, h):  # type: ignore[no-untyped-def]
    """h <- h + G^2;  w <- keep w - a G / (sqrt(h) + d)"""
    delta, keep, share, decay, rate = factors[0], factors[1], factors[2], factors[3], factors[4]
    largest = np.uint32(0)
    for i in range(w.size):
        gradient = share * g[i] + decay * w[i]
        h[i] += gradient * gradient
        w[i] = keep * w[i] - rate * gradient / (np.sqrt(h[i]) + delta)
        largest = max(largest, magnitude(w[i]))
    return largest


class RMSProp(NamedTuple):
    """Slots of the rule."""

    mean_square: Array


@vector_part
def rms_prop(factors, w, g, h):  # type: ignore[no-untyped-def]
    """h <- r h + (1 - r) G^2;  w <- keep w - a G / (sqrt(h) + d)"""
    r, delta, keep, share, decay = factors[0], factors[1], factors[2], factors[3], factors[4]
    rate, largest = factors[5], np.uint32(0)
    for i in range(w.size):
        gradient = share * g[i] + decay * w[i]
        h[i] = r * h[i] + (_ONE - r) * (gradient * gradient)
        w[i] = keep * w[i] - rate * gradient / (np.sqrt(h[i]) + delta)
        largest = max(largest, magnitude(w[i]))
    return largest


class AdaDelta(NamedTuple):
    """Slots of the rule."""

    mean_square: Array
    mean_square_step: Array


@vector_part
def ada_delta(factors, w, g, h, u):  # type: ignore[no-untyped-def]
    """h <- m h + (1 - m) G^2;  s = G sqrt(u + d) / sqrt(h + d);  u from s as h from G;
    w <- keep w - a s"""
    m, delta, keep, share, decay = factors[0], factors[1], factors[2], factors[3], factors[4]
    rate, largest = factors[5], np.uint32(0)
    for i in range(w.size):
        gradient = share * g[i] + decay * w[i]
        h[i] = m * h[i] + (_ONE - m) * (gradient * gradient)
        step = gradient * np.sqrt(u[i] + delta) / np.sqrt(h[i] + delta)
        u[i] = m * u[i] + (_ONE - m) * (step * step)
        w[i] = keep * w[i] - rate * step
        largest = max(largest, magnitude(w[i]))
    return largest


class Adam(NamedTuple):
    """Slots of the rule, and of AdamW."""

    mean: Array
    mean_square: Array


@vector_part
def adam(factors, w, g, m, v):  # type: ignore[no-untyped-def]
    """m <- b1 m + new G;  v <- b2 v + new_square G^2;  w <- keep w - pace m / (sqrt(v) + d)"""
    b1, b2, keep, share, decay = factors[0], factors[1], factors[2], factors[3], factors[4]
    new, new_square, delta, pace = factors[5], factors[6], factors[7], factors[8]
    largest = np.uint32(0)
    for i in range(w.size):
        gradient = share * g[i] + decay * w[i]
        m[i] = b1 * m[i] + new * gradient
        v[i] = b2 * v[i] + new_square * (gradient * gradient)
        w[i] = keep * w[i] - pace * m[i] / (np.sqrt(v[i]) + delta)
        largest = max(largest, magnitude(w[i]))
    return largest


class AMSGrad(NamedTuple):
    """Slots of the rule."""

    mean: Array
    mean_square: Array
    largest: Array


@vector_part
def ams_grad(factors, w, g, m, v, u):  # type: ignore[no-untyped-def]
    """As Adam, but with u <- max(u, v) in place of v under the root."""
    b1, b2, keep, share, decay = factors[0], factors[1], factors[2], factors[3], factors[4]
    new, new_square, delta, pace = factors[5], factors[6], factors[7], factors[8]
    largest = np.uint32(0)
    for i in range(w.size):
        gradient = share * g[i] + decay * w[i]
        m[i] = b1 * m[i] + new * gradient
        v[i] = b2 * v[i] + new_square * (gradient * gradient)
        u[i] = u[i] if u[i] > v[i] else v[i]
        w[i] = keep * w[i] - pace * m[i] / (np.sqrt(u[i]) + delta)
        largest = max(largest, magnitude(w[i]))
    return largest


STEPS: dict[type, Any] = {
    SGD: sgd, Nesterov: nesterov, AdaGrad: ada_grad, RMSProp: rms_prop, AdaDelta: ada_delta,
    Adam: adam, AMSGrad: ams_grad,
}  # fmt: skip
