"""oneDNN's primitives, run from inside a compiled loop."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.kernels.onednn.calls import functions
from engine.kernels.onednn.primitive import Call


@intrinsic
def execute(context, function, primitive, stream, count, arguments):  # type: ignore[no-untyped-def]
    """``dnnl_primitive_execute``: all arguments are addresses or numbers; returns the status.

    The address of the function is an argument, so that compiled code can be kept in a file.
    Within a parallel loop a primitive runs in the loop's thread alone; it wants a scratchpad
    for each such thread, and should be made for one (``one_thread``).
    """
    signature = types.int32(types.uint64, types.uint64, types.uint64, types.int32, types.uint64)

    def generate(context, builder, signature, values):  # type: ignore[no-untyped-def]
        status, address = ir.IntType(32), ir.IntType(64)
        kind = ir.FunctionType(status, [address, address, status, address])
        return builder.call(builder.inttoptr(values[0], kind.as_pointer()), values[1:])

    return signature, generate


@dataclass(frozen=True)
class Prepared:
    """A primitive's call as numbers, for :func:`execute`; the call must be kept alive."""

    primitive: int
    stream: int
    count: int
    arguments: int


def prepared(call: Call) -> Prepared:
    """The numbers of a call that :func:`engine.kernels.onednn.primitive.primitive` made."""
    handle, stream, count, arguments = call.args  # type: ignore[attr-defined]
    return Prepared(handle.value, stream.value, count, ctypes.addressof(arguments))


@cache
def execute_address() -> int:
    """Where ``dnnl_primitive_execute`` lies in this process."""
    pointer: Any = ctypes.cast(functions().dnnl_primitive_execute, ctypes.c_void_p)
    return int(pointer.value)
