"""How a pass reads parameters, and writes their gradients, in the arena."""

from __future__ import annotations

from collections.abc import Iterable

from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Description
from engine.plan.calls import Calls
from layers.blob import Blob


class ParameterCalls(Calls):
    """Collects calls that work with parameters, which are float32 and in Caffe's order.

    Attributes:
        fresh: whether gradients of parameters replace what was there; else they are added.
        is_backward: which pass is being compiled.
    """

    def __init__(self) -> None:
        super().__init__()
        self.fresh, self.is_backward = True, False
        self._parameters: dict[int, list[Memory]] = {}
        self._forward_parameters: dict[int, list[Memory]] = {}
        self._written: set[int] = set()
        self._held_as: dict[int, Layout] = {}

    def holds(self, blob: Blob, layout: Layout) -> None:
        """Says how the arena's bytes of a parameter are to be read, where not as plain ones of
        the shape that primitives want."""
        self._held_as[id(blob)] = layout

    def end_forward(self) -> None:
        """Notes the copies that the forward pass has made, which the backward pass may use."""
        self._forward_parameters = {key: list(held) for key, held in self._parameters.items()}

    def start_backward(self, fresh: bool) -> None:
        """From here on, calls belong to the backward pass."""
        self.calls, self.fresh, self.is_backward = [], fresh, True
        self._written = set()
        self._parameters = {key: list(held) for key, held in self._forward_parameters.items()}

    def parameter(self, blob: Blob, layout: Layout, again: bool = True) -> Memory:
        """A parameter in a layout; where it lies otherwise in the arena, a copy is appended.

        Args:
            blob: the parameter.
            layout: wanted.
            again: whether the backward pass will want the same layout, so that a copy is kept.
        """
        plain = self._as_held(blob, layout.shape)
        held = self._parameters.setdefault(id(blob), [])
        for memory in held:
            if memory.layout == layout:
                return memory
        if not held:
            held.append(self._over(blob, 0, plain))
            if plain == layout:
                return held[0]
        keep = again and not self.is_backward
        copy = Memory(layout) if keep else self.passing.make("weights", layout)
        self.copy(held[0], copy)
        if keep:
            held.append(copy)
        return copy

    def parameter_as(self, blob: Blob, layout: Layout) -> Memory:
        """A parameter where it lies in the arena, read under a layout of the same bytes."""
        return self._over(blob, 0, layout)

    def parameter_gradient(self, blob: Blob) -> tuple[Memory, bool]:
        """Where the gradient of a parameter lies in the arena, and whether to add what is computed
        next to what is there."""
        return self._over(blob, 1, Layout.plain(blob.shape)), not self.replaces(blob)

    def parameter_gradients(
        self,
        description: Description,
        parts: dict[str, tuple[Blob, Layout, bool]],
        **memories: Memory | None,
    ) -> None:
        """Appends a primitive that computes gradients of parameters, and puts them in the arena.

        Args:
            description: the primitive.
            parts: for each such argument: the parameter, the layout it is computed in, and
                whether it learns at all.
            memories: the other arguments.
        """
        computed: dict[str, Memory] = {}
        moves: list[tuple[Memory, Memory, bool]] = []
        for name, (blob, layout, learns) in parts.items():
            target = self._over(blob, 1, self._as_held(blob, layout.shape))
            add = not self.replaces(blob) if learns else False
            if learns and not add and target.layout == layout:
                computed[name] = target
                continue
            computed[name] = self.passing.make(name, layout)
            if learns:
                moves.append((computed[name], target, add))
        self.run(description, **computed, **memories)
        for source, target, add in moves:
            self.copy(source, target, add)

    def replaces(self, blob: Blob) -> bool:
        """Whether the gradient computed next is to replace what is in the arena."""
        place = blob.show(1).ctypes.data
        first = place not in self._written
        self._written.add(place)
        return self.fresh and first

    def clear_the_rest(self, blobs: Iterable[Blob]) -> None:
        """Appends what sets the gradients to zero that nothing has replaced, of fixed layers."""
        rest = [blob for blob in blobs if self.replaces(blob)]

        def clear() -> None:
            for blob in rest:
                blob.diff.fill(0)

        if rest:
            self.emit(clear)

    def _as_held(self, blob: Blob, shape: tuple[int, ...]) -> Layout:
        return self._held_as.get(id(blob)) or Layout.plain(shape)

    def _over(self, blob: Blob, which: int, layout: Layout) -> Memory:
        """Memory over a parameter in the arena, under a shape that primitives want."""
        return self.bind(Memory(layout, blob.store(which)), blob, which)
