"""Passes over flat arrays, element by element, with factors that are told before each run."""

from __future__ import annotations

import ctypes

import numpy as np

from engine.kernels.onednn.calls import Attributes, Handle, PostOps, call
from engine.kernels.onednn.constants import (
    ARGUMENTS,
    BINARY_ADD,
    BINARY_DIVIDE,
    BINARY_MULTIPLY,
    ELTWISE_SQRT,
    FORWARD_TRAINING,
    SCALE,
    SCRATCHPAD_OF_USER,
)
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import (
    Call,
    Description,
    Scratch,
    create,
    describe,
    prepared,
)
from layers.blob import Array


class Factor:
    """A number that passes read when they run."""

    def __init__(self, value: float = 1.0):
        self._array = np.array([value], np.float32)
        self.memory = Memory(Layout.plain((1,)), self._array)

    def set(self, value: float) -> None:
        """From now on it is this."""
        self._array[0] = value


class Passes:
    """Collects passes, to be run in order; each is shared out among oneDNN's threads.

    Arrays are float32, flat and of one length; the caller keeps them alive and where they are.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._scratch = Scratch()

    def add(self, out: Array, a: Factor, x: Array, b: Factor, y: Array, keep: float = 0.0) -> None:
        """out <- keep out + a x + b y"""
        self._binary(BINARY_ADD, out, x, y, {"src": a, "src_1": b}, keep)

    def multiply(self, out: Array, a: Factor, x: Array, y: Array, keep: float = 0.0) -> None:
        """out <- keep out + a x y"""
        self._binary(BINARY_MULTIPLY, out, x, y, {"src": a}, keep)

    def divide(self, out: Array, a: Factor, x: Array, y: Array) -> None:
        """out <- a x / y"""
        self._binary(BINARY_DIVIDE, out, x, y, {"src": a}, 0.0)

    def root(self, out: Array, x: Array, plus: Factor) -> None:
        """out <- sqrt(x) + plus"""
        flat = Layout.plain(x.shape).handle
        no = ctypes.c_float(0)
        root = describe("eltwise_forward", FORWARD_TRAINING, ELTWISE_SQRT, flat, flat, no, no,
                        scaled(0.0))  # fmt: skip
        self._append(root, {"src": x, "dst": out}, {})
        added = plus.memory.layout.handle
        self._append(describe("binary", BINARY_ADD, flat, added, flat, scaled(0.0)),
                     {"src": out, "dst": out}, {"src_1": plus.memory})  # fmt: skip

    def _binary(
        self, kind: int, out: Array, x: Array, y: Array, factors: dict[str, Factor], keep: float
    ) -> None:
        flat = Layout.plain(x.shape).handle
        description = describe("binary", kind, flat, flat, flat, scaled(keep, *factors))
        self._append(description, {"src": x, "src_1": y, "dst": out}, {}, factors)

    def _append(
        self,
        description: Description,
        arrays: dict[str, Array],
        others: dict[str, Memory],
        factors: dict[str, Factor] | None = None,
    ) -> None:
        given = [
            (ARGUMENTS[name], Memory(Layout.plain(array.shape), array))
            for name, array in arrays.items()
        ]
        given += [(ARGUMENTS[name], memory) for name, memory in others.items()]
        given += [(SCALE | ARGUMENTS[name], f.memory) for name, f in (factors or {}).items()]
        self.calls.append(prepared(create(description), description, given, self._scratch))

    def bind(self) -> None:
        """To be called when all passes are there."""
        self._scratch.bind()


def scaled(keep: float, *arguments: str) -> Handle:
    """How much is kept of the result that was there, and which arguments have a factor."""
    handle, operations = Attributes(), PostOps()
    call("primitive_attr_create", ctypes.byref(handle))
    call("primitive_attr_set_scratchpad_mode", handle, SCRATCHPAD_OF_USER)
    call("post_ops_create", ctypes.byref(operations))
    if keep:
        call("post_ops_append_sum", operations, ctypes.c_float(keep), ctypes.c_int32(0), 0)
    call("primitive_attr_set_post_ops", handle, operations)
    for name in arguments:
        call("primitive_attr_set_scales_mask", handle, ARGUMENTS[name], 0)
    return handle
