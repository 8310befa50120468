"""Memory for what is needed only between two calls: shared by all who need it in turn."""

from __future__ import annotations

from collections import defaultdict

from engine.kernels.onednn.memory import Layout, Memory, aligned


class PassingMemory:
    """Memories that share their bytes with all others of the same purpose.

    They are made while a pass is compiled, when the largest is not known yet, and put onto
    their bytes at its end. Passes run one after the other, so all of them use the same bytes.
    """

    def __init__(self) -> None:
        self._made: dict[str, list[Memory]] = defaultdict(list)
        self._placed: dict[str, int] = {}
        self._nowhere = aligned(0)

    def make(self, purpose: str, layout: Layout) -> Memory:
        """Memory whose contents last until the next of the same purpose is written."""
        memory = Memory(layout, self._nowhere)
        self._made[purpose].append(memory)
        return memory

    def bind(self) -> None:
        """Allocates, for each purpose as much as its largest memory needs."""
        for purpose, memories in self._made.items():
            if self._placed.get(purpose) == len(memories):
                continue
            self._placed[purpose] = len(memories)
            largest = max(memory.layout.size for memory in memories)
            store = memories[0].store
            if store.nbytes < largest:
                store = aligned(largest)
            for memory in memories:
                memory.store = store
                memory.move(store.ctypes.data)
