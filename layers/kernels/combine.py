"""Sums of two scaled arrays in one pass, by the matrix library where it can."""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np

from layers.blob import Array
from layers.kernels.matrix_library import loaded_libraries
from layers.kernels.scratch import scratch

_SPELLINGS = ("scipy_cblas_saxpby64_", "cblas_saxpby64_", "scipy_cblas_saxpby", "cblas_saxpby")


def combine(a: float, x: Array, b: float, y: Array) -> None:
    """y <- a x + b y, both arrays flat, contiguous and of one length.

    In NumPy that takes three passes through memory; BLAS has saxpby for it.
    """
    saxpby = _saxpby()
    if saxpby is not None and y.dtype == np.float32 == x.dtype:
        saxpby(y.size, a, x.ctypes.data, 1, b, y.ctypes.data, 1)
        return
    if b != 1:
        y *= b
    y += x if a == 1 else np.multiply(x, a, out=scratch("combine", x.shape, x.dtype))


@cache
def _saxpby() -> ctypes._FuncPointer | None:
    """OpenBLAS's function, declared; None where NumPy has another library."""
    for library in loaded_libraries():
        for spelling in _SPELLINGS:
            function = getattr(library, spelling, None)
            if function is not None:
                count = ctypes.c_int64 if "64_" in spelling else ctypes.c_int
                scalar, address = ctypes.c_float, ctypes.c_void_p
                function.argtypes = [count, scalar, address, count, scalar, address, count]
                function.restype = None
                return function
    return None
