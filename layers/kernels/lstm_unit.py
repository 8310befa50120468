"""One time step of the LSTM, element by element, and its derivative."""

from __future__ import annotations

import numpy as np

from layers.blob import Array


def step(memory: Array, gates: Array, cont: Array, c: Array, h: Array) -> Array:
    """c = cont f c' + i g, h = o tanh c, for gates i, f, o = sigmoid and g = tanh.

    Args:
        memory: c', the cell before, (N, H).
        gates: the gates' arguments side by side in the order i, f, o, g, (N, 4 H).
        cont: (N,), 0 where a new sequence begins.
        c, h: receive the cell and the hidden state.

    Returns:
        the values of the gates, side by side.
    """
    size = memory.shape[1]
    values = np.empty_like(gates)
    half = gates[:, : 3 * size] * gates.dtype.type(0.5)
    np.tanh(half, out=half)
    half += 1
    np.multiply(half, 0.5, out=values[:, : 3 * size])
    np.tanh(gates[:, 3 * size :], out=values[:, 3 * size :])
    i, f, o, g = np.split(values, 4, axis=1)
    np.multiply(f, memory, out=c)
    c *= cont[:, None]
    c += i * g
    np.multiply(o, np.tanh(c), out=h)
    return values


def step_back(
    memory: Array, values: Array, cont: Array, c: Array, dc: Array, dh: Array, dgates: Array
) -> Array:
    """From the gradients ``dc`` and ``dh`` of a step to those of the gates' arguments.

    Returns:
        the gradient of the cell before.
    """
    i, f, o, g = np.split(values, 4, axis=1)
    di, df, do, dg = np.split(dgates, 4, axis=1)
    squashed = np.tanh(c)
    dc = dc + dh * o * (1 - squashed * squashed)
    passed = dc * cont[:, None]
    np.multiply(dc * g, i * (1 - i), out=di)
    np.multiply(passed * memory, f * (1 - f), out=df)
    np.multiply(dh * squashed, o * (1 - o), out=do)
    np.multiply(dc * i, 1 - g * g, out=dg)
    return passed * f
