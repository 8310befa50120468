"""Primitives: one operation of oneDNN, prepared once with its arguments and then only run."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from engine.kernels.onednn.calls import (
    Attributes,
    Handle,
    MemoryDesc,
    OneDNNError,
    PostOps,
    PrimitiveDesc,
    PrimitiveHandle,
    call,
    engine,
    functions,
    stream,
)
from engine.kernels.onednn.constants import (
    ARGUMENTS,
    ELTWISE_RELU,
    F32,
    IMPLEMENTATION,
    SCRATCHPAD_MD,
    SCRATCHPAD_OF_USER,
)
from engine.kernels.onednn.memory import Layout, Memory, aligned

# Returns oneDNN's status, or None; what is not 0 is an error.
Call = Callable[[], "int | None"]


class _Argument(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("memory", ctypes.c_void_p)]


class Scratch:
    """The scratchpad that all primitives share: they run one after the other."""

    def __init__(self) -> None:
        self._size = 0
        self._store = aligned(0)
        self._waiting: list[tuple[_Argument, Layout]] = []
        self._memories: list[Memory] = []

    def add(self, argument: _Argument, layout: Layout) -> None:
        """Notes an argument that is to be the scratchpad."""
        self._size = max(self._size, layout.size)
        self._waiting.append((argument, layout))

    def bind(self) -> None:
        """Allocates it, as large as the largest need, and hands it to all who asked."""
        if self._store.size < self._size:
            self._store = aligned(self._size)
        for argument, layout in self._waiting:
            memory = Memory(layout, self._store)
            argument.kind, argument.memory = ARGUMENTS["scratchpad"], memory.handle.value
            self._memories.append(memory)
        self._waiting.clear()


def attributes(relu: bool = False, sums: bool = False, activation: int = 0) -> Handle:
    """How to run: with the caller's scratchpad, and with something done to each result.

    Args:
        relu: the result is max(0, x).
        sums: the result is added to what the destination holds.
        activation: the eltwise algorithm that is applied to the result.
    """
    handle, operations = Attributes(), PostOps()
    call("primitive_attr_create", ctypes.byref(handle))
    call("primitive_attr_set_scratchpad_mode", handle, SCRATCHPAD_OF_USER)
    call("post_ops_create", ctypes.byref(operations))
    if sums:
        call("post_ops_append_sum", operations, ctypes.c_float(1), ctypes.c_int32(0), 0)
    if relu or activation:
        call("post_ops_append_eltwise", operations, activation or ELTWISE_RELU, ctypes.c_float(0),
             ctypes.c_float(0))  # fmt: skip
    call("primitive_attr_set_post_ops", handle, operations)
    return handle


class Description:
    """A primitive that could be made: oneDNN has chosen an implementation for it."""

    def __init__(self, name: str, handle: Handle):
        self.name, self.handle = name, handle

    @property
    def implementation(self) -> str:
        """What oneDNN calls it: ``brgconv:avx512_core``, say."""
        text = ctypes.c_char_p()
        call("primitive_desc_query", self.handle, IMPLEMENTATION, 0, ctypes.byref(text))
        return (text.value or b"").decode()

    @property
    def slow(self) -> bool:
        """Whether it is one of the plain loops, up to a thousand times slower than the others."""
        return self.implementation.startswith(("ref", "simple"))

    def layout(self, what: int, shape: Sequence[int], dtype: int = F32) -> Layout:
        """The layout of an argument, of the given shape, as chosen."""
        found = functions().dnnl_primitive_desc_query_md(self.handle, what, 0)
        copy = MemoryDesc()
        call("memory_desc_clone", ctypes.byref(copy), Handle(found))
        return Layout(copy, shape, dtype)

    def scratchpad(self) -> Layout | None:
        """The layout of the scratchpad; None where it needs none."""
        layout = self.layout(SCRATCHPAD_MD, ())
        return layout if layout.size else None

    def own_memory(self, what: int) -> Memory | None:
        """Memory that carries something from forward to backward; None where nothing is."""
        layout = self.layout(what, ())
        return Memory(layout) if layout.size else None


def describe(name: str, *arguments: Any, prefer: str = "") -> Description:
    """Asks oneDNN for an implementation.

    Args:
        name: of the primitive: ``convolution_forward``, say.
        arguments: of ``dnnl_<name>_primitive_desc_create``, from behind the engine.
        prefer: how the name of an implementation begins that is to be taken before what oneDNN
            thinks best, if there is one.

    Raises:
        OneDNNError: it has none, or none that is fast.
    """
    description = _first(name, arguments)
    if prefer and not _advance(description, prefer):
        description = _first(name, arguments)
    if description.slow:
        raise OneDNNError(f"{name}: only {description.implementation}")
    return description


def _first(name: str, arguments: Sequence[Any]) -> Description:
    """With the implementation that oneDNN thinks best."""
    handle = PrimitiveDesc()
    call(f"{name}_primitive_desc_create", ctypes.byref(handle), engine(), *arguments)
    return Description(name, handle)


def _advance(description: Description, prefer: str) -> bool:
    """Goes on to the implementation whose name begins so; False where there is none."""
    while not description.implementation.startswith(prefer):
        if functions().dnnl_primitive_desc_next_impl(description.handle):
            return False
    return True


def primitive(description: Description, scratch: Scratch, **memories: Memory | None) -> Call:
    """A function that runs the primitive on these memories.

    Args:
        description: the primitive.
        scratch: shared by all that run one after the other.
        memories: the arguments by oneDNN's names; those that are None are left out.
    """
    given = [(ARGUMENTS[name], memory) for name, memory in memories.items() if memory is not None]
    return prepared(create(description), description, given, scratch)


def create(description: Description) -> Handle:
    """The primitive itself."""
    handle = PrimitiveHandle()
    call("primitive_create", ctypes.byref(handle), description.handle)
    return handle


def prepared(
    handle: Handle,
    description: Description,
    given: Sequence[tuple[int, Memory]],
    scratch: Scratch,
) -> Call:
    """The call of a primitive, its arguments laid out once; it returns oneDNN's status."""
    pad = description.scratchpad()
    count = len(given) + (pad is not None)
    arguments = (_Argument * count)()
    for argument, (kind, memory) in zip(arguments, given, strict=False):
        argument.kind, argument.memory = kind, memory.handle.value
    if pad is not None:
        scratch.add(arguments[len(given)], pad)
    run = partial(functions().dnnl_primitive_execute, handle, stream(), count, arguments)
    run.kept = [*(memory for _, memory in given), scratch]  # type: ignore[attr-defined]
    run.name = f"{description.name} {description.implementation}"  # type: ignore[attr-defined]
    return run
