"""Where the values of blobs are while a plan runs: in the memory that its primitives like."""

from __future__ import annotations

from collections.abc import Callable

from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Call
from layers.blob import Array, Blob


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


class TensorHome:
    """Brings a blob's values into its own array when somebody looks at them.

    Who looks may also write; so what was looked at is put back before the plan goes on.

    A blob refers to its home, so the home refers to no blob: nets are to be freed when nobody
    has them any more, and not at some later collection.

    Args:
        copies: the calls that copy the values out and back in; None where they are in the
            blob's own array.
    """

    def __init__(self, copies: tuple[Call, Call] | None):
        self._revise: Callable[[Array], None] | None = None
        self._out: list[Call | None] = [copies[0] if copies else None, None]
        self._into: list[Call | None] = [copies[1] if copies else None, None]
        self._looked = [False, False]

    def add_gradient(
        self, out: Call | None, into: Call | None, revise: Callable[[Array], None] | None
    ) -> None:
        """Says how to copy the gradient, once there is one, and how to revise what came out."""
        self._out[1], self._into[1], self._revise = out, into, revise

    def fetch(self, blob: Blob, which: int) -> None:
        """Copies the values (0) or the gradient (1) out."""
        copy = self._out[which]
        if copy is not None:
            copy()
        if which == 1 and self._revise is not None:
            self._revise(blob.show(1))
        self._looked[which] = True

    def hide(self, blob: Blob, which: int) -> None:
        """What the blob's own array shows is out of date from now on."""
        revised = which == 1 and self._revise is not None
        if self._out[which] is not None or revised:
            blob.hide(which)
        self._looked[which] = False

    def cover(self, blob: Blob) -> None:
        """Layers that ran backward have shown the blob's own array, whatever version it holds."""
        if not self._looked[0]:
            self.hide(blob, 0)

    def put_back(self, which: int) -> None:
        """Copies in what somebody may have written."""
        copy = self._into[which]
        always_shown = self._out[which] is None
        if copy is not None and (self._looked[which] or always_shown):
            copy()


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
