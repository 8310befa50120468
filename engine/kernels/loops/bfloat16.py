"""Arrays of float32, or of bfloat16: the upper halves of float32 numbers, as uint16 to NumPy.

Loops that write with :func:`store` and read with :func:`load` are compiled for either.
"""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import overload

_HALF, _ODD, _BELOW_HALF = np.uint32(16), np.uint32(1), np.uint32(0x7FFF)
_QUIET = np.uint32(0x40)  # in the upper half of NaN, so that it is NaN without the lower one


def store(array, index, value):  # type: ignore[no-untyped-def]
    """``array[index] = value``, a float32, in compiled code: rounded if the array is bfloat16."""
    raise NotImplementedError


def load(array, index):  # type: ignore[no-untyped-def]
    """``array[index]`` as a float32, in compiled code."""
    raise NotImplementedError


@njit(nogil=True)
def rounded(x):  # type: ignore[no-untyped-def]
    """The nearest bfloat16 number, the even one of two; NaN stays NaN."""
    bits = np.float32(x).view(np.uint32)
    upper = np.uint32(bits >> _HALF)  # numba's sums and shifts are of 64 bits
    near = np.uint32(bits + _BELOW_HALF + (upper & _ODD)) >> _HALF
    return np.uint16(near if x == x else upper | _QUIET)


@overload(store)
def _store(array, index, value):  # type: ignore[no-untyped-def]
    def plainly(array, index, value):  # type: ignore[no-untyped-def]
        array[index] = value

    def shortened(array, index, value):  # type: ignore[no-untyped-def]
        array[index] = rounded(value)

    return shortened if array.dtype == types.uint16 else plainly


@overload(load)
def _load(array, index):  # type: ignore[no-untyped-def]
    def plainly(array, index):  # type: ignore[no-untyped-def]
        return array[index]

    def lengthened(array, index):  # type: ignore[no-untyped-def]
        return np.uint32(np.uint32(array[index]) << _HALF).view(np.float32)

    return lengthened if array.dtype == types.uint16 else plainly
