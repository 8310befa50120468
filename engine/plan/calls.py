"""The calls of a pass in their order, and the memories they share or that follow blobs' arrays."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Call, Description, Scratch, create, prepared, primitive
from engine.kernels.onednn.reorder import reorder
from engine.plan.passing import PassingMemory
from engine.plan.tensor import BoundMemories
from layers.blob import Blob


class Calls:
    """Collects calls.

    Attributes:
        calls: of the pass that is being compiled.
        scratch: the scratchpad of all primitives.
        passing: memory for what lasts from one call to the next.
        bound: by blob and array, the memories over it, which layers may move.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.scratch = Scratch()
        self.passing = PassingMemory()
        self.bound: dict[tuple[int, int], BoundMemories] = {}

    def emit(self, *calls: Call) -> None:
        """Appends calls to the pass that is being compiled."""
        self.calls.extend(calls)

    def run(self, description: Description, **memories: Memory | None) -> None:
        """Appends a primitive on these memories."""
        self.emit(primitive(description, self.scratch, **memories))

    def run_with(self, description: Description, given: Sequence[tuple[int, Memory]]) -> None:
        """Appends a primitive whose arguments are given by number."""
        handle = create(description)
        self.emit(prepared(handle, description, given, self.scratch))

    def copy(self, source: Memory, target: Memory, add: bool = False) -> None:
        """Appends a copy into another layout, or an addition to what is there."""
        self.emit(reorder(source, target, self.scratch, add))

    def room(self, size: int) -> Memory:
        """So many bytes for a call's own use while it runs."""
        return self.passing.make("room", Layout.plain((-(-size // 4),)))

    def own(self, blob: Blob, which: int = 0) -> Memory:
        """Memory over the blob's own array, in the plain layout."""
        array = blob.store(which)
        return self.bind(Memory(Layout.plain(blob.shape), array), blob, which)

    def bind(self, memory: Memory, blob: Blob, which: int) -> Memory:
        """Has memory over a blob's own array stay there when the array moves."""
        bound = self.bound.setdefault((id(blob), which), BoundMemories(blob, which))
        bound.memories.append(memory)
        return memory

    def follow_all(self, which: int) -> None:
        """Finds all arrays of values (0) or gradients (1) again."""
        for bound in self.bound.values():
            if bound.which == which:
                bound.follow()

    def follow(self, memory: Memory, blob: Blob, which: int) -> None:
        """Keeps memory over a blob's own array there, when the array moves."""
        if is_own(memory, blob, which):
            self.bind(memory, blob, which)

    def matrix(self, memory: Memory, layout: Layout, blob: Blob, which: int) -> Memory:
        """The same bytes under another layout, that of a matrix, say; they follow the blob's."""
        seen = memory.seen_as(layout)
        self.follow(seen, blob, which)
        return seen

    def follower(self, blobs: Sequence[Blob], which: int) -> Call:
        """A call that finds the arrays of these blobs again, after a layer may have moved them."""
        keys, all_bound = [(id(blob), which) for blob in blobs], self.bound

        def follow() -> None:
            for key in keys:
                if key in all_bound:
                    all_bound[key].follow()

        return follow

    def seen_as(self, memory: Memory, layout: Layout) -> Memory:
        """The same memory under an equal layout; it follows when the array moves."""
        if memory.layout == layout:
            return memory
        seen = memory.seen_as(layout)
        for bound in self.bound.values():
            if any(other is memory for other in bound.memories):
                self.bind(seen, bound.blob, bound.which)
                break
        return seen


def is_own(memory: Memory, blob: Blob, which: int) -> bool:
    """Whether memory is the blob's own array of values (0) or gradient (1)."""
    if not blob.has_store(which):
        return False
    return bool(memory.store.ctypes.data == blob.store(which).ctypes.data)
