"""Blob: an N-dimensional array of values together with its gradient (Caffe's Blob)."""

from __future__ import annotations

import math
import weakref
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from layers.errors import DemitasseError

Array = NDArray[Any]


class Home(Protocol):
    """Where a blob's values are while its own arrays do not show them."""

    def fetch(self, blob: Blob, which: int) -> None:
        """Brings the values (0) or the gradient (1) into the blob's array, as somebody looks."""


class Blob:
    """Values (``data``) and their gradient (``diff``), two arrays of one shape.

    Images are laid out (N, C, H, W); a scalar, such as a loss, has shape ``()``.
    Both arrays are allocated, as zeros, when they are first asked for. Storage only ever
    grows: a blob reshaped to fewer elements keeps what it has and shows the front of it.

    Args:
        shape: the lengths of the axes.
        name: what the net calls the blob, for messages.
        dtype: float32, or float64 where gradients are checked.

    Attributes:
        changes: how often any blob has changed its shape or its storage; who has noted either
            looks again only where this has moved on.
    """

    changes: ClassVar[int] = 0

    __slots__ = ("name", "dtype", "home", "_shape", "_stores", "_views")

    def __init__(self, shape: tuple[int, ...] = (), name: str = "", dtype: DTypeLike = np.float32):
        self.name = name
        self.dtype = np.dtype(dtype)
        self.home: Home | None = None
        self._shape = tuple(shape)
        self._stores: list[Array | None] = [None, None]
        self._views: list[Array | None] = [None, None]

    def __repr__(self) -> str:
        return f"Blob({self.name!r}, shape={self.shape}, dtype={self.dtype.name})"

    @property
    def data(self) -> Array:
        """The values. Assigning copies into the array that is there."""
        view = self._views[0]
        return view if view is not None else self._look(0)

    @data.setter
    def data(self, values: Any) -> None:
        self._assign(self.data, values, "data")

    @property
    def diff(self) -> Array:
        """The gradient of the loss with respect to the values."""
        view = self._views[1]
        return view if view is not None else self._look(1)

    @diff.setter
    def diff(self, values: Any) -> None:
        self._assign(self.diff, values, "diff")

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes; change it with :meth:`reshape`."""
        return self._shape

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self._shape)

    @property
    def num_axes(self) -> int:
        """Number of axes."""
        return len(self._shape)

    @property
    def num(self) -> int:
        """Length of axis 0 in Caffe's four-axis view (1 where there is none)."""
        return self._legacy(0)

    @property
    def channels(self) -> int:
        """Length of axis 1 in Caffe's four-axis view (1 where there is none)."""
        return self._legacy(1)

    @property
    def height(self) -> int:
        """Length of axis 2 in Caffe's four-axis view (1 where there is none)."""
        return self._legacy(2)

    @property
    def width(self) -> int:
        """Length of axis 3 in Caffe's four-axis view (1 where there is none)."""
        return self._legacy(3)

    def reshape(self, *shape: int) -> None:
        """Changes the shape; values survive as far as they lie in the same storage.

        Raises:
            DemitasseError: a length is negative.
        """
        if len(shape) == 1 and isinstance(shape[0], tuple | list):
            shape = tuple(shape[0])
        if shape == self._shape:
            return
        if not all(isinstance(length, int | np.integer) for length in shape):
            raise DemitasseError(
                f'the shape of blob "{self.name}" is integers, one for each axis', got=str(shape)
            )
        if any(length < 0 for length in shape):
            raise DemitasseError(
                f'blob "{self.name}" cannot have a negative length', got=str(tuple(shape))
            )
        self._shape = tuple(int(length) for length in shape)
        Blob.changes += 1
        count = self.count
        for which, store in enumerate(self._stores):
            shown = self._views[which] is not None  # what is hidden stays so
            self._views[which] = None
            if store is not None and store.size < count:
                self._stores[which] = None
            elif store is not None and shown:
                self._views[which] = _shaped(store, self._shape)

    def share_data(self, other: Blob) -> None:
        """Makes ``data`` another view of the other blob's values (of equal count)."""
        other.data  # noqa: B018 - brought there, if it is elsewhere
        self._bind(0, other.store(0)[: other.count])

    def share_diff(self, other: Blob) -> None:
        """Makes ``diff`` another view of the other blob's gradient (of equal count)."""
        other.diff  # noqa: B018
        self._bind(1, other.store(1)[: other.count])

    def bind(self, data: Array, diff: Array) -> None:
        """Moves the blob into the given contiguous storage, keeping its present values."""
        for which, target in enumerate((data, diff)):
            view = self._views[which]
            if view is not None:
                target.reshape(self._shape)[...] = view
            self._bind(which, target)

    def _bind(self, which: int, storage: Array) -> None:
        if storage.size != self.count:
            raise DemitasseError(
                f'blob "{self.name}" cannot share storage of another size',
                got=f"{storage.size} elements",
                expected=f"{self.count}, for shape {self._shape}",
            )
        before, store = self._stores[which], storage.reshape(-1)
        if before is not None and _same(before, store):
            self.show(which)  # who has kept the array goes on to see it
            return
        self._stores[which] = store
        self._views[which] = _shaped(store, self._shape)
        Blob.changes += 1

    def store(self, which: int) -> Array:
        """The flat storage of the values (0) or the gradient (1), whoever may show it."""
        store = self._stores[which]
        return self._allocate(which) if store is None else store

    def has_store(self, which: int) -> bool:
        """Whether there is storage for the values (0) or the gradient (1) yet."""
        return self._stores[which] is not None

    def show(self, which: int) -> Array:
        """The blob's own array of values (0) or gradient (1), without asking its home for it."""
        view = self._views[which]
        if view is None:
            view = self._views[which] = _shaped(self.store(which), self._shape)
        return view

    def hide(self, which: int, lost: bool = False) -> None:
        """Has whoever looks next ask the blob's home for the values (0) or the gradient (1).

        Who has kept the array, or a part of it, looks all the time.

        Args:
            lost: whether the home does not have them either.
        """
        view = self._views[which]
        if view is None:
            return
        kept, self._views[which] = weakref.ref(view), None
        del view
        view = kept()
        if view is not None and self.home is not None and not lost:
            self._views[which] = view
            self.home.fetch(self, which)

    def _look(self, which: int) -> Array:
        array = self.show(which)
        if self.home is not None:
            try:
                self.home.fetch(self, which)
            except DemitasseError:
                self._views[which] = None  # who asks again is told again
                raise
        return array

    def _allocate(self, which: int) -> Array:
        try:
            store = np.zeros(self.count, self.dtype)
        except (MemoryError, ValueError) as problem:
            size = self.count * self.dtype.itemsize / 2**30
            raise DemitasseError(
                f'blob "{self.name}" of shape {self._shape} is too large for this machine',
                got=f"{size:,.1f} GiB",
            ) from problem
        self._stores[which] = store
        Blob.changes += 1
        return store

    def _assign(self, array: Array, values: Any, what: str) -> None:
        values = as_array(values, self.name)
        if values.shape != self._shape:
            raise DemitasseError(
                f'wrong shape for the {what} of blob "{self.name}"',
                got=str(values.shape),
                expected=str(self._shape),
                hint="reshape the blob first, then call net.reshape()",
            )
        array[...] = values

    def _legacy(self, axis: int) -> int:
        if self.num_axes > 4:
            raise DemitasseError(
                f'blob "{self.name}" has more than four axes', got=str(self._shape)
            )
        return self._shape[axis] if axis < self.num_axes else 1


def _shaped(store: Array, shape: tuple[int, ...]) -> Array:
    """The front of a flat array in a shape, as an array that all its parts refer to.

    NumPy has a part of a part refer to what owns the memory, and so it would not be known who
    keeps one; but not beyond an array over a buffer.
    """
    buffer: Any = store[: math.prod(shape)].reshape(shape)
    return np.asarray(memoryview(buffer))


def _same(one: Array, other: Array) -> bool:
    """Whether two flat arrays are the same memory."""
    return one.size == other.size and one.ctypes.data == other.ctypes.data


def as_array(values: Any, name: str) -> Array:
    """What a caller gives for a blob, as an array of numbers.

    Raises:
        DemitasseError: it is ragged, or holds something else than real numbers.
    """
    try:
        array = np.asarray(values)
    except ValueError:
        raise DemitasseError(
            f'the values for blob "{name}" are ragged',
            got="lists of different lengths",
            expected="an array of one shape",
        ) from None
    if array.dtype.kind in "biuf":
        return array
    raise DemitasseError(
        f'the values for blob "{name}" are no real numbers',
        got=f"{values!r:.60} ({type(values).__name__} of {array.dtype})",
        expected="an array of floats or integers",
    )
