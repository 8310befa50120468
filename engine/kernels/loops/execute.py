"""oneDNN's primitives, run from inside a compiled loop."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
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


class Products:
    """Primitives that threads of a loop run, each its own, with other arguments in each step.

    Args:
        calls: for each thread, those of its steps.
        ends: where the threads' parts of an axis end, beginning with 0.

    Attributes:
        numbers: for the loop: function, stream, primitives (parts,), counts (parts,),
            arguments (parts, steps) and ends (parts + 1,).
    """

    def __init__(self, calls: Sequence[Sequence[Call]], ends: Sequence[int]):
        self.calls = calls  # kept alive
        numbers = [[prepared(call) for call in part] for part in calls]
        firsts = [part[0] for part in numbers]
        self.numbers = (
            np.uint64(execute_address()),
            np.uint64(firsts[0].stream),
            np.array([first.primitive for first in firsts], np.uint64),
            np.array([first.count for first in firsts], np.int32),
            np.array([[step.arguments for step in part] for part in numbers], np.uint64),
            np.array(ends, np.int64),
        )
