"""Calls into oneDNN's C interface, their status looked at."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any

from engine.kernels.onednn.constants import CPU, IN_ORDER
from engine.kernels.onednn.library import find_library

Handle = ctypes.c_void_p

_UNIMPLEMENTED = 3


class Owned(Handle):
    """A handle whose object goes with it; ``destroy`` names oneDNN's function for that."""

    destroy = ""

    def __del__(self) -> None:
        if self.value and not sys.is_finalizing():
            getattr(functions(), self.destroy)(self)


class MemoryDesc(Owned):
    """Of a memory descriptor: a layout."""

    destroy = "dnnl_memory_desc_destroy"


class MemoryHandle(Owned):
    """Of memory; not of its bytes."""

    destroy = "dnnl_memory_destroy"


class PrimitiveDesc(Owned):
    """Of a primitive's description."""

    destroy = "dnnl_primitive_desc_destroy"


class PrimitiveHandle(Owned):
    """Of a primitive."""

    destroy = "dnnl_primitive_destroy"


class Attributes(Owned):
    """Of how a primitive is to run; descriptions have copies."""

    destroy = "dnnl_primitive_attr_destroy"


class PostOps(Owned):
    """Of what is done to a result; attributes have copies."""

    destroy = "dnnl_post_ops_destroy"


class OneDNNError(Exception):
    """A call failed; what was asked for is not implemented, as a rule."""


@cache
def functions() -> ctypes.CDLL:
    """The library's functions, declared."""
    library = find_library()
    if library is None:
        raise OneDNNError("oneDNN is not installed")
    c = library.c
    # Its cache of primitives goes on comparing with descriptions that have been destroyed (version
    # 3.2); a net makes each of its primitives once, and is not slower to build without it.
    c.dnnl_set_primitive_cache_capacity(0)
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
