"""Where the values of blobs are while a plan runs: in the memory that its primitives like."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Call, Scratch
from engine.kernels.onednn.reorder import reorder
from layers.blob import Array, Blob
from layers.errors import DemitasseError


class Tensor:
    """One version of a blob: what a layer makes of it, until another changes it in place.

    Args:
        blob: as the net knows it.
        memory: of the values.
    """

    __slots__ = ("blob", "memory", "diff", "copies", "forward_copies", "shared")

    def __init__(self, blob: Blob, memory: Memory):
        self.blob, self.memory = blob, memory
        self.diff: Memory | None = None
        self.copies = [memory]
        self.forward_copies = [memory]
        self.shared = False  # whether others read the gradient's memory as their own

    @property
    def layout(self) -> Layout:
        """Of the values, and of their gradient."""
        return self.memory.layout

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes."""
        return self.memory.layout.shape


class LateCopy:
    """A copy between memory and the own array of a blob, made when somebody first wants it.

    Of a blob that has been reshaped since, the array gets the values that fit into it.

    Args:
        memory: of the plan.
        out: whether it goes from there into the blob's array, or back.
    """

    __slots__ = ("_memory", "_shape", "_out", "_own", "_copy")

    def __init__(self, memory: Memory, out: bool):
        self._memory, self._shape, self._out = memory, memory.layout.shape, out
        self._own: Memory | None = None
        self._copy: Call

    def __call__(self, blob: Blob, which: int) -> None:
        """Copies, whatever array of values (0) or gradient (1) the blob has now."""
        array = blob.store(which)
        count = math.prod(self._shape)
        if array.size >= count:
            self._run(array)
        elif self._out:
            self._run(whole := np.empty(count, array.dtype))
            array[...] = whole[: array.size]

    def _run(self, array: Array) -> None:
        if self._own is None:
            self._own = Memory(Layout.plain(self._shape), array)
            pair = (self._memory, self._own)
            scratch = Scratch()
            self._copy = reorder(*(pair if self._out else pair[::-1]), scratch)
            scratch.bind()
        elif self._own.store is not array:
            self._own.store = array
            self._own.move(array.ctypes.data)
        self._copy()


Copy = Callable[[Blob, int], None]


def refuse(blob: Blob, which: int) -> None:
    """In place of a copy out of memory that others have used since.

    Raises:
        DemitasseError: always.
    """
    raise DemitasseError(
        f'the gradient of blob "{blob.name}" has not been kept after the backward pass',
        hint="set the net's keep_gradients to True before its first pass",
    )


class TensorHome:
    """Brings a blob's values into its own array when somebody looks at them.

    Who looks may also write; so what was looked at is put back before the plan goes on.

    A blob refers to its home, so the home refers to no blob: nets are to be freed when nobody
    has them any more, and not at some later collection.

    Args:
        memory: of the values; None where they are in the blob's own array.
    """

    def __init__(self, memory: Memory | None):
        self._revise: Callable[[Array], None] | None = None
        self._out: list[Copy | None] = [None, None]
        self._into: list[Copy | None] = [None, None]
        if memory is not None:
            self._out[0], self._into[0] = LateCopy(memory, out=True), LateCopy(memory, out=False)
        # A gradient may have been written before there is a plan: the weight of a loss, say.
        self._looked = [False, True]

    def add_gradient(
        self, out: Copy | None, into: Copy | None, revise: Callable[[Array], None] | None
    ) -> None:
        """Says how to copy the gradient, once there is one, and how to revise what came out."""
        self._out[1], self._into[1], self._revise = out, into, revise

    def fetch(self, blob: Blob, which: int) -> None:
        """Copies the values (0) or the gradient (1) out."""
        copy = self._out[which]
        if copy is not None:
            copy(blob, which)
        if which == 1 and self._revise is not None:
            self._revise(blob.show(1))
        self._looked[which] = True

    def hide(self, blob: Blob, which: int) -> None:
        """What the blob's own array shows is out of date from now on."""
        revised = which == 1 and self._revise is not None
        self._looked[which] = False
        if self._out[which] is not None or revised:
            blob.hide(which, lost=self._out[which] is refuse)

    def cover(self, blob: Blob) -> None:
        """Layers that ran backward have shown the blob's own array, whatever version it holds."""
        if not self._looked[0]:
            self.hide(blob, 0)

    def put_back(self, blob: Blob, which: int) -> None:
        """Copies in what somebody may have written."""
        copy = self._into[which]
        always_shown = self._out[which] is None
        written = self._looked[which] or always_shown
        if copy is not None and written and blob.has_store(which):
            copy(blob, which)


class BoundMemories:
    """The memories over a blob's own array, which layers may move to other storage.

    Args:
        blob: the blob.
        which: its array of values (0) or gradient (1).
    """

    __slots__ = ("blob", "which", "memories", "_seen")

    def __init__(self, blob: Blob, which: int):
        self.blob, self.which = blob, which
        self.memories: list[Memory] = []
        self._seen = blob.store(which)

    def follow(self) -> None:
        """Finds the array again if it was moved."""
        array = self.blob.store(self.which)
        if array is not self._seen:
            self._seen = array
            for memory in self.memories:
                memory.store = array
                memory.move(array.ctypes.data)
