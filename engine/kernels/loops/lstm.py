"""The steps of an LSTM, forward and backward, each thread with its own streams through all of them.

Streams do not depend on each other, so threads meet only at the end of a pass. In each step a
thread runs a matrix product of oneDNN's, and goes over its rows while they are in its core's
cache: one gate after the other, for a loop over few arrays becomes vector instructions. The arrays
that are multiplied, ``before`` and ``dz``, are float32 or bfloat16.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from engine.kernels.loops.bfloat16 import load, store
from engine.kernels.loops.compiled import vector_loop, vector_part
from engine.kernels.loops.execute import execute

_ONE, _HALF = np.float32(1), np.float32(0.5)
# tanh x = x P(x^2) / Q(x^2), fitted for the least relative error up to where it is 1.
_END = np.float32(9.02)
_P1, _P2, _P3, _P4 = (
    np.float32(p) for p in (0.13379735, 0.003494057, 2.0583779e-5, 1.3319352e-8)
)  # fmt: skip
_Q1, _Q2, _Q3, _Q4 = (
    np.float32(q) for q in (0.46713054, 0.025871163, 0.00032831263, 7.7621615e-7)
)  # fmt: skip


@vector_part
def tanh(x):  # type: ignore[no-untyped-def]
    """The hyperbolic tangent, within 5 units in the last place, 0.7 on average."""
    x = _END if x > _END else x
    x = -_END if x < -_END else x
    u = x * x
    p = (((_P4 * u + _P3) * u + _P2) * u + _P1) * u + _ONE
    q = (((_Q4 * u + _Q3) * u + _Q2) * u + _Q1) * u + _ONE
    y = x * p / q
    y = _ONE if y > _ONE else y
    return -_ONE if y < -_ONE else y


@vector_part
def _step(t, n, z, keep, cells, squashed, y):  # type: ignore[no-untyped-def]
    """i, f, o = (1 + tanh(z / 2)) / 2, g = tanh z; c = cont f c' + i g; h = o tanh c."""
    units = y.shape[2]
    for gate in range(3):
        for k in range(units):
            z[t, n, gate, k] = _HALF * tanh(_HALF * z[t, n, gate, k]) + _HALF
    for k in range(units):
        z[t, n, 3, k] = tanh(z[t, n, 3, k])
    for k in range(units):
        kept = z[t, n, 1, k] * cells[t, n, k] * keep
        cells[t + 1, n, k] = kept + z[t, n, 0, k] * z[t, n, 3, k]
    for k in range(units):
        squashed[t, n, k] = tanh(cells[t + 1, n, k])
    for k in range(units):
        y[t, n, k] = z[t, n, 2, k] * squashed[t, n, k]


@vector_loop
def forward(products, z, cont, h, cells, squashed, before, y):  # type: ignore[no-untyped-def]
    """All steps, each z_t += U before_t and then its elements.

    Args:
        products: the numbers of :class:`engine.kernels.loops.execute.Products`, which add
            the product with U.
        z: (T, N, 4, H), the products with x; receives the gates' values.
        cont: (T, N).
        h: (N, H), those before the first step.
        cells: (T + 1, N, H), the first of them given; receives the others.
        squashed: (T, N, H), receives tanh c.
        before: (T, N, H), receives cont_t h_t-1.
        y: (T, N, H), receives h.

    Returns:
        what oneDNN's calls returned, or-ed: 0 where all went well.
    """
    function, stream, primitives, counts, arguments, ends = products
    steps, _, units = y.shape
    failed = np.zeros(len(primitives), np.int32)
    for part in prange(len(primitives)):
        for n in range(ends[part], ends[part + 1]):
            for k in range(units):
                store(before, (0, n, k), h[n, k] * cont[0, n])
        for t in range(steps):
            primitive, count = primitives[part], counts[part]
            failed[part] |= execute(function, primitive, stream, count, arguments[part, t])
            for n in range(ends[part], ends[part + 1]):
                _step(t, n, z, cont[t, n], cells, squashed, y)
                if t + 1 < steps:
                    keep = cont[t + 1, n]
                    for k in range(units):
                        store(before, (t + 1, n, k), y[t, n, k] * keep)
    return failed.max()


@vector_part
def _step_back(t, n, dy, keep, follows, gates, cells, squashed, dh, dc, dz):  # type: ignore[no-untyped-def]
    """The derivative of :func:`_step`.

    With D = dL/dc + dL/dh o (1 - tanh^2 c):  dL/dc' = D cont f, and for the arguments of gates
    D g i (1 - i),  D cont c' f (1 - f),  dL/dh tanh(c) o (1 - o),  D i (1 - g^2).
    """
    units = dy.shape[2]
    for k in range(units):
        dh[n, k] = dh[n, k] * follows + dy[t, n, k]
    for k in range(units):
        s = squashed[t, n, k]
        dc[n, k] += dh[n, k] * gates[t, n, 2, k] * (_ONE - s * s)
    for k in range(units):
        i = gates[t, n, 0, k]
        store(dz, (t, n, 0, k), dc[n, k] * gates[t, n, 3, k] * (i * (_ONE - i)))
    for k in range(units):
        o = gates[t, n, 2, k]
        store(dz, (t, n, 2, k), dh[n, k] * squashed[t, n, k] * (o * (_ONE - o)))
    for k in range(units):
        g = gates[t, n, 3, k]
        store(dz, (t, n, 3, k), dc[n, k] * gates[t, n, 0, k] * (_ONE - g * g))
    for k in range(units):
        f, passed = gates[t, n, 1, k], dc[n, k] * keep
        store(dz, (t, n, 1, k), passed * cells[t, n, k] * (f * (_ONE - f)))
        dc[n, k] = passed * f


@vector_loop
def backward(products, dy, cont, gates, cells, squashed, dh, dc, dz, db):  # type: ignore[no-untyped-def]
    """All steps from the last, each dL/dz_t and then dL/dh_t-1 = dL/dz_t U.

    Args:
        products: those with U.
        dy: (T, N, H), the gradient of h from above.
        cont, gates, cells, squashed: as forward left them.
        dh, dc: (N, H), to work in.
        dz: (T, N, 4, H), receives the gradients of the gates' arguments.
        db: (parts, 4, H), receives their sums over steps and streams, of each thread.

    Returns:
        as forward.
    """
    function, stream, primitives, counts, arguments, ends = products
    steps, _, units = dy.shape
    failed = np.zeros(len(primitives), np.int32)
    for part in prange(len(primitives)):
        dh[ends[part] : ends[part + 1]] = 0
        dc[ends[part] : ends[part + 1]] = 0
        db[part] = 0
        for back in range(steps):
            t = steps - 1 - back
            for n in range(ends[part], ends[part + 1]):
                follows = cont[t + 1, n] if back else _ONE
                _step_back(t, n, dy, cont[t, n], follows, gates, cells, squashed, dh, dc, dz)
                for gate in range(4):
                    for k in range(units):
                        db[part, gate, k] += load(dz, (t, n, gate, k))
            if t:  # what reaches the states before the first step goes nowhere
                primitive, count = primitives[part], counts[part]
                failed[part] |= execute(function, primitive, stream, count, arguments[part, t])
    return failed.max()
