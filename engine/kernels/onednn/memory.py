"""Memory of oneDNN: arrays whose elements lie in whatever order a primitive likes best."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import Sequence
from contextlib import suppress
from functools import cache

import numpy as np

from engine.kernels.onednn.calls import (
    Handle,
    MemoryDesc,
    MemoryHandle,
    OneDNNError,
    call,
    engine,
    functions,
)
from engine.kernels.onednn.constants import ANY, F32
from layers.blob import Array

_MAX_AXES = 12
Dims = ctypes.c_int64 * _MAX_AXES
_ALIGNMENT = 64
_TAGS = 2000  # more than there are


def dims(values: Sequence[int]) -> ctypes.Array[ctypes.c_int64]:
    """A list of lengths as oneDNN takes it."""
    return Dims(*values)


class Layout:
    """The shape of an array, its type, and the order its elements lie in.

    Two layouts are equal when the same bytes mean the same array.
    """

    __slots__ = ("handle", "shape", "dtype", "strides")

    def __init__(
        self,
        handle: Handle,
        shape: Sequence[int],
        dtype: int = F32,
        strides: Sequence[int] | None = None,
    ):
        self.handle, self.shape, self.dtype = handle, tuple(shape), dtype
        self.strides = None if strides is None else tuple(strides)

    @classmethod
    def plain(cls, shape: Sequence[int], dtype: int = F32) -> Layout:
        """As NumPy's arrays lie: the last axis runs fastest."""
        return cls.ordered(shape, range(len(shape)), dtype)

    @classmethod
    def ordered(cls, shape: Sequence[int], axes: Sequence[int], dtype: int = F32) -> Layout:
        """With the axes in the given order, the last one running fastest; images are often
        best with channels last: (0, 2, 3, 1)."""
        strides, step = [0] * len(shape), 1
        for axis in reversed(list(axes)):
            strides[axis] = step
            step *= max(1, shape[axis])
        return cls.strided(shape, strides, dtype)

    @classmethod
    def strided(cls, shape: Sequence[int], strides: Sequence[int], dtype: int = F32) -> Layout:
        """With so many elements from one index of an axis to the next."""
        handle = MemoryDesc()
        call("memory_desc_create_with_strides", ctypes.byref(handle), len(shape), dims(shape),
             dtype, dims(strides))  # fmt: skip
        return cls(handle, shape, dtype, strides)

    @classmethod
    def any(cls, shape: Sequence[int], dtype: int = F32) -> Layout:
        """For a primitive to choose."""
        handle = MemoryDesc()
        call("memory_desc_create_with_tag", ctypes.byref(handle), len(shape), dims(shape),
             dtype, ANY)  # fmt: skip
        return cls(handle, shape, dtype)

    @classmethod
    def blocked(cls, shape: Sequence[int], dtype: int = F32) -> Layout:
        """Images with their channels in blocks of 16, which older kernels want."""
        handle = MemoryDesc()
        call("memory_desc_create_with_tag", ctypes.byref(handle), len(shape), dims(shape),
             dtype, _tag("aBcd16b"))  # fmt: skip
        return cls(handle, shape, dtype)

    @property
    def size(self) -> int:
        """Bytes."""
        return int(functions().dnnl_memory_desc_get_size(self.handle))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and bool(
            functions().dnnl_memory_desc_equal(self.handle, other.handle)
        )

    __hash__ = None  # type: ignore[assignment]

    def same_bytes(self, other: Layout) -> bool:
        """Whether it differs at most in strides that are never taken, of axes of length 1."""
        if self == other:
            return True
        if self.strides is None or other.strides is None or self.dtype != other.dtype:
            return False
        taken = [axis for axis, length in enumerate(self.shape) if length > 1]
        return self.shape == other.shape and all(
            self.strides[axis] == other.strides[axis] for axis in taken
        )

    def with_shape(self, shape: Sequence[int]) -> Layout | None:
        """The same bytes under another shape; None where the order does not allow that."""
        handle = MemoryDesc()
        status = functions().dnnl_memory_desc_reshape(
            ctypes.byref(handle), self.handle, len(shape), dims(shape)
        )
        return None if status else Layout(handle, shape, self.dtype)

    def part(self, offsets: Sequence[int], shape: Sequence[int]) -> Layout | None:
        """A part of the array, in the same memory; None where blocks would be cut."""
        handle = MemoryDesc()
        status = functions().dnnl_memory_desc_create_submemory(
            ctypes.byref(handle), self.handle, dims(shape), dims(offsets)
        )
        return None if status else Layout(handle, shape, self.dtype)


class Memory:
    """An array in a layout.

    Args:
        layout: of the elements.
        store: the bytes to use, kept alive; fresh ones, zeros, without.
    """

    __slots__ = ("layout", "store", "handle")

    def __init__(self, layout: Layout, store: Array | None = None):
        self.layout = layout
        self.store = aligned(layout.size) if store is None else store
        self.handle = MemoryHandle()
        call("memory_create", ctypes.byref(self.handle), layout.handle, engine(),
             ctypes.c_void_p(self.store.ctypes.data))  # fmt: skip

    def seen_as(self, layout: Layout) -> Memory:
        """The same bytes under another layout."""
        return Memory(layout, self.store)

    def move(self, address: int) -> None:
        """Puts it onto other bytes, which the caller keeps alive."""
        call("memory_set_data_handle", self.handle, ctypes.c_void_p(address))

    def array(self) -> Array:
        """The elements as they lie, flat; shaped, where the layout is the plain one."""
        values = self.store.view(np.float32)
        if self.layout == Layout.plain(self.layout.shape):
            return values[: int(np.prod(self.layout.shape))].reshape(self.layout.shape)
        return values


def aligned(size: int) -> Array:
    """So many zero bytes, from a cache line's start."""
    store = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -store.ctypes.data % _ALIGNMENT
    return store[start : start + size]


def reserved(size: int) -> Array:
    """So many zero bytes, that take up memory only once they are written."""
    private = getattr(mmap, "MAP_PRIVATE", 0) | getattr(mmap, "MAP_ANONYMOUS", 0)
    try:
        pages = mmap.mmap(-1, max(1, size), **({"flags": private} if private else {}))
    except OSError as problem:
        raise MemoryError(f"{size / 2**30:,.1f} GiB for a gradient") from problem
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a system without them
            pages.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(pages, np.uint8)


@cache
def _tag(name: str) -> int:
    """The number of a format tag, which differs between versions of the library."""
    name_of = functions().dnnl_fmt_tag2str
    name_of.restype = ctypes.c_char_p
    for number in range(_TAGS):
        if name_of(number) == name.encode():
            return number
    raise OneDNNError(f"no layout {name}")
