"""Memory for the gradients of tensors: each is needed from its readers' backward to its own."""

from __future__ import annotations

from collections.abc import Iterable

from engine.kernels.onednn.memory import Layout, Memory, reserved
from layers.blob import Array


class GradientMemory:
    """Hands out memory, and takes back what no later operation of the pass will read.

    Calls are compiled in the order in which they run, so what is free while a pass is compiled
    is free at that point of every run.

    A store may be as long as the longest gradient, but takes up what its longest user needs: the
    first gradients of a pass, as a rule the smallest, leave theirs to others.

    Args:
        reused: whether to take anything back; where not, each gradient lasts until the next pass
            and can be looked at.
    """

    def __init__(self, reused: bool):
        self.reused = reused
        self._longest = 0
        self._used: dict[int, int] = {}  # bytes, by the address of a store
        self._stores: list[Array] = []
        self._free: list[Array] = []

    def start(self, longest: int) -> None:
        """Another pass begins: everything is free.

        Args:
            longest: bytes of the longest gradient, or near.
        """
        self._longest = longest
        self._free = list(self._stores)

    def make(self, layout: Layout) -> Memory:
        """Memory whose contents are of no meaning yet."""
        if not self.reused:
            return Memory(layout)
        size = layout.size
        fitting = [store for store in self._free if store.size >= size]
        if fitting:
            store = min(fitting, key=lambda store: self._waste(store, size))
            self._free = [other for other in self._free if other is not store]
        else:
            store = reserved(max(size, self._longest))
            self._stores.append(store)
        self._used[_address(store)] = max(self._bytes(store), size)
        return Memory(layout, store)

    def _waste(self, store: Array, size: int) -> tuple[bool, int]:
        """The shortest that is long enough is best, then what grows least."""
        more = size - self._bytes(store)
        return more > 0, abs(more)

    def _bytes(self, store: Array) -> int:
        return self._used.get(_address(store), 0)

    def keep_only(self, needed: Iterable[Memory]) -> None:
        """Takes back all but these."""
        kept = {_address(memory.store) for memory in needed}
        self._free = [store for store in self._stores if _address(store) not in kept]


def _address(store: Array) -> int:
    address: int = store.ctypes.data
    return address
