"""Memory for the gradients of tensors: each is needed from its readers' backward to its own."""

from __future__ import annotations

from collections.abc import Iterable

from engine.kernels.onednn.memory import Layout, Memory, aligned
from layers.blob import Array


class GradientMemory:
    """Hands out memory, and takes back what no later operation of the pass will read.

    Calls are compiled in the order in which they run, so what is free while a pass is compiled
    is free at that point of every run.

    Args:
        reused: whether to take anything back; where not, each gradient lasts until the next pass
            and can be looked at.
    """

    def __init__(self, reused: bool):
        self.reused = reused
        self._stores: list[Array] = []
        self._free: list[Array] = []

    def start(self) -> None:
        """Another pass begins: everything is free."""
        self._free = list(self._stores)

    def make(self, layout: Layout) -> Memory:
        """Memory whose contents are of no meaning yet."""
        if not self.reused:
            return Memory(layout)
        fitting = [store for store in self._free if store.size >= layout.size]
        if not fitting:
            store = aligned(layout.size)
            self._stores.append(store)
            return Memory(layout, store)
        store = min(fitting, key=lambda store: store.size)
        self._free = [other for other in self._free if other is not store]
        return Memory(layout, store)

    def keep_only(self, needed: Iterable[Memory]) -> None:
        """Takes back all but these."""
        kept = {memory.store.ctypes.data for memory in needed}
        self._free = [store for store in self._stores if store.ctypes.data not in kept]
