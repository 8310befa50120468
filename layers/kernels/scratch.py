"""Scratch memory that layers share, since only one of them computes at a time."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from layers.blob import Array


class _Pool(threading.local):
    """One set of buffers a thread, so that nets in several threads do not meet."""

    def __init__(self) -> None:
        self.buffers: dict[tuple[str, str], Array] = {}


_pool = _Pool()


def scratch(name: str, shape: Sequence[int], dtype: DTypeLike) -> Array:
    """An array of undefined contents, valid until the next call with the same name.

    Buffers only grow, so a training step allocates nothing once the first one has run.
    """
    key, size = (name, np.dtype(dtype).str), math.prod(shape)
    held = _pool.buffers.get(key)
    if held is None or held.size < size:
        held = _pool.buffers[key] = np.empty(size, dtype)
    return held[:size].reshape(shape)
