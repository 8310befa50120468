"""Calls into oneDNN's C interface, their status looked at."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

from engine.kernels.onednn.constants import CPU, IN_ORDER
from engine.kernels.onednn.library import find_library

Handle = ctypes.c_void_p

_UNIMPLEMENTED = 3


class OneDNNError(Exception):
    """A call failed; what was asked for is not implemented, as a rule."""


@cache
def functions() -> ctypes.CDLL:
    """The library's functions, declared."""
    library = find_library()
    if library is None:
        raise OneDNNError("oneDNN is not installed")
    c = library.c
    c.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
    c.dnnl_memory_desc_get_size.argtypes = [Handle]
    c.dnnl_memory_desc_equal.argtypes = [Handle, Handle]
    c.dnnl_primitive_desc_query_md.restype = Handle
    c.dnnl_primitive_desc_query_md.argtypes = [Handle, ctypes.c_int, ctypes.c_int]
    c.dnnl_primitive_execute.argtypes = [Handle, Handle, ctypes.c_int, ctypes.c_void_p]
    c.dnnl_sgemm.argtypes = [
        ctypes.c_char, ctypes.c_char, *[ctypes.c_int64] * 3, ctypes.c_float,
        ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_float,
        ctypes.c_void_p, ctypes.c_int64,
    ]  # fmt: skip
    return c


def call(name: str, *arguments: Any) -> None:
    """Calls ``dnnl_<name>``.

    Raises:
        OneDNNError: it returned an error.
    """
    status = getattr(functions(), f"dnnl_{name}")(*arguments)
    if status:
        why = "not implemented" if status == _UNIMPLEMENTED else f"status {status}"
        raise OneDNNError(f"{name}: {why}")


@cache
def engine() -> Handle:
    """The processor, as oneDNN sees it."""
    handle = Handle()
    call("engine_create", ctypes.byref(handle), CPU, ctypes.c_size_t(0))
    return handle


@cache
def stream() -> Handle:
    """The queue that primitives run in, one after the other."""
    handle = Handle()
    call("stream_create", ctypes.byref(handle), engine(), IN_ORDER)
    return handle
