"""The compiler: from the nodes of a net to calls, with memory and layouts planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from engine.kernels.onednn.constants import F32
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Call, Description, Scratch, create, prepared, primitive
from engine.kernels.onednn.reorder import reorder
from engine.net.gradient_flow import Node
from engine.plan.gradient_memory import GradientMemory
from engine.plan.passing import PassingMemory
from engine.plan.tensor import BoundMemory, Tensor
from layers.blob import Array, Blob

CHANNELS_LAST = (0, 2, 3, 1)


class Compiler:
    """Collects the calls of a pass, operation by operation.

    Operations take their inputs with :meth:`values`, make tops with :meth:`make`, and
    :meth:`emit` calls. The backward pass is compiled in two ways: gradients of parameters
    replace what was there (``fresh``), or are added to it.

    Args:
        nodes: of the net, in order.
        keep_gradients: whether those of tensors last after the backward pass.
        preserved: blobs that an operation changes in place, but wants as they were, backward.

    Attributes:
        dtype: what operations compute with, BF16 or F32; parameters and their gradients are
            F32 in the arena.
    """

    def __init__(
        self, nodes: Sequence[Node], keep_gradients: bool = True, preserved: Sequence[Blob] = ()
    ):
        self.nodes = list(nodes)
        self._preserved = set(map(id, preserved))
        self.dtype = F32
        self.scratch = Scratch()
        self.calls: list[Call] = []
        self.bound: list[BoundMemory] = []
        self.fresh, self.is_backward = True, False
        self.passing = PassingMemory()
        self.gradients = GradientMemory(reused=not keep_gradients)
        self._tensors: dict[int, Tensor] = {}
        self.tensors: list[Tensor] = []
        self.made: dict[int, list[Tensor]] = {}
        self._parameters: dict[int, list[Memory]] = {}
        self._forward_parameters: dict[int, list[Memory]] = {}
        self._written: set[int] = set()
        self.revisions: dict[int, Callable[[Array], None]] = {}
        self._outputs: set[int] = set()
        for node in nodes:
            self._outputs.difference_update(map(id, node.bottom))
            self._outputs.update(map(id, node.top))

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

    def one_way(self, source: Memory, target: Memory) -> Call:
        """A copy that is not part of a pass."""
        copy = reorder(source, target, self.scratch)
        self.scratch.bind()
        return copy

    def both_ways(self, memory: Memory, other: Memory) -> tuple[Call, Call]:
        """A copy from one into the other, and the one back."""
        return self.one_way(memory, other), self.one_way(other, memory)

    # Values ---------------------------------------------------------------------------------

    def tensor(self, blob: Blob) -> Tensor:
        """The blob as it is at this point of the forward pass."""
        return self._tensors[id(blob)]

    def make(self, blob: Blob, memory: Memory) -> Tensor:
        """Notes what an operation makes of a blob: its first version, or the next."""
        tensor = Tensor(blob, memory)
        self._tensors[id(blob)] = tensor
        self.tensors.append(tensor)
        self.made.setdefault(id(blob), []).append(tensor)
        return tensor

    def own(self, blob: Blob, which: int = 0) -> Memory:
        """Memory over the blob's own array, in the plain layout."""
        array = blob.store(which)
        memory = Memory(Layout.plain(blob.shape), array)
        self.bound.append(BoundMemory(blob, which, memory, Memory.move))
        return memory

    def top_memory(self, blob: Blob, layout: Layout) -> Memory:
        """Memory for what an operation makes: the blob's own array where the layout allows.

        That of a blob of which an earlier version is wanted later, though, is left to those who
        look and to layers that run as they are: they see the last version there.
        """
        if Layout.plain(blob.shape).same_bytes(layout) and id(blob) not in self._preserved:
            return self._seen_as(self.own(blob), layout)
        return Memory(layout)

    def values(self, tensor: Tensor, layout: Layout) -> Memory:
        """The tensor's values in a layout; a copy is appended where they are not."""
        for memory in tensor.copies:
            if memory.layout == layout:
                return memory
            if memory.layout.same_bytes(layout):
                return self._seen_as(memory, layout)
        copy = Memory(layout)
        self.copy(tensor.memory, copy)
        tensor.copies.append(copy)
        return copy

    def preferred(self, shape: Sequence[int]) -> Layout:
        """The layout that images do best in; for other arrays the plain one."""
        if len(shape) == 4:
            return Layout.ordered(shape, CHANNELS_LAST, self.dtype)
        return self.plain(shape)

    def plain(self, shape: Sequence[int]) -> Layout:
        """As NumPy's arrays lie."""
        return Layout.plain(shape, self.dtype)

    def blocked(self, shape: Sequence[int]) -> Layout:
        """With the channels in blocks."""
        return Layout.blocked(shape, self.dtype)

    def like(self, tensor: Tensor, shape: Sequence[int]) -> Layout:
        """The layout for what is made of images one by one: blocked where they are, too."""
        if len(tensor.shape) == 4 and tensor.layout == self.blocked(tensor.shape):
            return self.blocked(shape)
        return self.preferred(shape)

    # Gradients ------------------------------------------------------------------------------

    def diff(self, tensor: Tensor) -> Memory:
        """The memory of a tensor's gradient, in the layout of its values."""
        if tensor.diff is None:
            if is_own(tensor.memory, tensor.blob, 0):
                tensor.diff = self._seen_as(self.own(tensor.blob, 1), tensor.layout)
            else:
                tensor.diff = self._gradient_memory(tensor)
        return tensor.diff

    def _gradient_memory(self, tensor: Tensor) -> Memory:
        """Memory for a gradient; the caller's, of an output, is not for others to use."""
        own = self.is_output(tensor.blob)
        return Memory(tensor.layout) if own else self.gradients.make(tensor.layout)

    def end_backward(self, tensors: Iterable[Tensor]) -> None:
        """Notes that an operation's backward pass is compiled.

        Args:
            tensors: those that operations before it have made, whose gradients are needed yet.
        """
        self.gradients.keep_only(tensor.diff for tensor in tensors if tensor.diff is not None)

    def is_output(self, blob: Blob) -> bool:
        """Whether no layer reads the blob's last version, so its gradient is the caller's."""
        return id(blob) in self._outputs

    def gradient(self, tensor: Tensor, layout: Layout) -> Memory:
        """The gradient of a top in a layout; a copy is appended where it is not."""
        nobodys = tensor.diff is None and self.gradients.reused
        diff = self.diff(tensor)
        if nobodys and not self.is_output(tensor.blob):
            self.emit(partial(diff.store.fill, 0))  # nobody has given one
        if diff.layout.same_bytes(layout):
            return self._seen_as(diff, layout)
        copy = self.gradients.make(layout)
        self.copy(diff, copy)
        return copy

    def give(self, tensor: Tensor, layout: Layout, write: Callable[[Memory], None]) -> None:
        """Has ``write`` emit the calls that compute a bottom's gradient in a layout."""
        diff = self.diff(tensor)
        if diff.layout.same_bytes(layout):
            write(self._seen_as(diff, layout))
            return
        temporary = self.gradients.make(layout)
        write(temporary)
        self.copy(temporary, diff)

    def changed(self, tensor: Tensor, diff: Memory) -> Memory:
        """Memory for a gradient that is computed from ``diff``: the same, unless others read it."""
        return self.gradients.make(diff.layout) if tensor.shared else diff

    def when_looked_at(self, tensor: Tensor, revise: Callable[[Array], None]) -> None:
        """Has the gradient revised for who looks, where fused layers skipped what it should be."""
        self.revisions[id(tensor)] = revise

    def pass_on(self, tensor: Tensor, diff: Memory) -> None:
        """Makes a gradient that others read, too, that of the tensor."""
        if tensor.diff is None and diff.layout == tensor.layout:
            tensor.diff, tensor.shared = diff, True
        else:
            self.give(tensor, diff.layout, lambda dx: self.copy(diff, dx))

    # Parameters -----------------------------------------------------------------------------

    def parameter(self, blob: Blob, layout: Layout, again: bool = True) -> Memory:
        """A parameter in a layout; where it lies otherwise in the arena, a copy is appended.

        Args:
            blob: the parameter.
            layout: wanted.
            again: whether the backward pass will want the same layout, so that a copy is kept.
        """
        plain = Layout.plain(layout.shape)
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

    def room(self, size: int) -> Memory:
        """So many bytes for a call's own use while it runs."""
        return self.passing.make("room", Layout.plain((-(-size // 4),)))

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
            target = self._over(blob, 1, Layout.plain(layout.shape))
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

    def clear_the_rest(self) -> None:
        """Appends what sets the gradients to zero that nothing has replaced, of fixed layers."""
        blobs = [blob for node in self.nodes for blob in node.layer.blobs]
        rest = [blob for blob in blobs if self.replaces(blob)]

        def clear() -> None:
            for blob in rest:
                blob.diff.fill(0)

        if rest:
            self.emit(clear)

    def end_forward(self) -> None:
        """Notes the copies that the forward pass has made, which the backward pass may use."""
        self._forward_parameters = {key: list(held) for key, held in self._parameters.items()}
        for tensor in self.tensors:
            tensor.forward_copies = list(tensor.copies)

    def start_backward(self, fresh: bool) -> None:
        """From here on, calls belong to the backward pass."""
        self.calls, self.fresh, self.is_backward = [], fresh, True
        self.gradients.start()
        self._written = set()
        self._parameters = {key: list(held) for key, held in self._forward_parameters.items()}
        for tensor in self.tensors:
            tensor.copies = list(tensor.forward_copies)
            if self.gradients.reused and not self.is_output(tensor.blob):
                tensor.diff, tensor.shared = None, False

    def _over(self, blob: Blob, which: int, layout: Layout) -> Memory:
        """Memory over a parameter in the arena, under a shape that primitives want."""
        memory = Memory(layout, blob.store(which))
        self.bound.append(BoundMemory(blob, which, memory, Memory.move))
        return memory

    def follow(self, memory: Memory, blob: Blob, which: int) -> None:
        """Keeps memory over a blob's own array there, when the array moves."""
        if is_own(memory, blob, which):
            self.bound.append(BoundMemory(blob, which, memory, Memory.move))

    def matrix(self, memory: Memory, layout: Layout, blob: Blob, which: int) -> Memory:
        """The same bytes under another layout, that of a matrix, say; they follow the blob's."""
        seen = memory.seen_as(layout)
        self.follow(seen, blob, which)
        return seen

    def follower(self, blobs: Sequence[Blob], which: int) -> Call:
        """A call that finds the arrays of these blobs again, after a layer may have moved them."""
        wanted = {id(blob) for blob in blobs}
        bound_memories = self.bound
        found: list[BoundMemory] | None = None

        def follow() -> None:
            nonlocal found
            if found is None:
                found = [b for b in bound_memories if id(b.blob) in wanted and b.which == which]
            for bound in found:
                bound.follow()

        return follow

    def _seen_as(self, memory: Memory, layout: Layout) -> Memory:
        """The same memory under an equal layout; it follows when the array moves."""
        if memory.layout == layout:
            return memory
        seen = memory.seen_as(layout)
        for bound in self.bound:
            if bound.memory is memory:
                self.bound.append(BoundMemory(bound.blob, bound.which, seen, Memory.move))
                break
        return seen


def is_own(memory: Memory, blob: Blob, which: int) -> bool:
    """Whether memory is the blob's own array of values (0) or gradient (1)."""
    return bool(memory.store.ctypes.data == blob.store(which).ctypes.data)
