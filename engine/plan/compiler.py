"""The compiler: from the nodes of a net to calls, with memory and layouts planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from engine.kernels.onednn.constants import F32
from engine.kernels.onednn.memory import Layout, Memory
from engine.net.gradient_flow import Node
from engine.plan.calls import is_own
from engine.plan.gradient_memory import GradientMemory
from engine.plan.parameters import ParameterCalls
from engine.plan.tensor import Tensor
from layers.blob import Array, Blob

CHANNELS_LAST = (0, 2, 3, 1)


class Compiler(ParameterCalls):
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
        super().__init__()
        self.nodes = list(nodes)
        self._preserved = set(map(id, preserved))
        self.dtype = F32
        self.gradients = GradientMemory(reused=not keep_gradients)
        self._tensors: dict[int, Tensor] = {}
        self.tensors: list[Tensor] = []
        self.made: dict[int, list[Tensor]] = {}
        self.revisions: dict[int, Callable[[Array], None]] = {}
        self._outputs: set[int] = set()
        for node in nodes:
            self._outputs.difference_update(map(id, node.bottom))
            self._outputs.update(map(id, node.top))

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

    def top_memory(self, blob: Blob, layout: Layout) -> Memory:
        """Memory for what an operation makes: the blob's own array where the layout allows.

        That of a blob of which an earlier version is wanted later, though, is left to those who
        look and to layers that run as they are: they see the last version there.
        """
        if Layout.plain(blob.shape).same_bytes(layout) and id(blob) not in self._preserved:
            return self.seen_as(self.own(blob), layout)
        return Memory(layout)

    def values(self, tensor: Tensor, layout: Layout) -> Memory:
        """The tensor's values in a layout; a copy is appended where they are not."""
        for memory in tensor.copies:
            if memory.layout == layout:
                return memory
            if memory.layout.same_bytes(layout):
                return self.seen_as(memory, layout)
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
                tensor.diff = self.seen_as(self.own(tensor.blob, 1), tensor.layout)
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
            return self.seen_as(diff, layout)
        copy = self.gradients.make(layout)
        self.copy(diff, copy)
        return copy

    def give(self, tensor: Tensor, layout: Layout, write: Callable[[Memory], None]) -> None:
        """Has ``write`` emit the calls that compute a bottom's gradient in a layout."""
        diff = self.diff(tensor)
        if diff.layout.same_bytes(layout):
            write(self.seen_as(diff, layout))
            return
        temporary = self.gradients.make(layout)
        write(temporary)
        self.copy(temporary, diff)

    def changed(self, tensor: Tensor, diff: Memory) -> Memory:
        """Memory for a gradient that is computed from ``diff``: the same, unless others read it.

        It is the tensor's own from here on, as that of a blob that is changed in place.
        """
        if tensor.shared:
            tensor.diff, tensor.shared = self.gradients.make(diff.layout), False
            return tensor.diff
        return diff

    def when_looked_at(self, tensor: Tensor, revise: Callable[[Array], None]) -> None:
        """Has the gradient revised for who looks, where fused layers skipped what it should be."""
        self.revisions[id(tensor)] = revise

    def pass_on(self, tensor: Tensor, diff: Memory) -> None:
        """Makes a gradient that others read, too, that of the tensor."""
        if tensor.diff is None and diff.layout == tensor.layout:
            tensor.diff, tensor.shared = diff, True
        else:
            self.give(tensor, diff.layout, lambda dx: self.copy(diff, dx))

    def end_forward(self) -> None:
        """Notes the copies that the forward pass has made, which the backward pass may use."""
        super().end_forward()
        for tensor in self.tensors:
            tensor.forward_copies = list(tensor.copies)

    def start_backward(self, fresh: bool) -> None:
        """From here on, calls belong to the backward pass."""
        super().start_backward(fresh)
        self.gradients.start(max((t.layout.size for t in self.tensors), default=0))
        for tensor in self.tensors:
            tensor.copies = list(tensor.forward_copies)
            if self.gradients.reused and not self.is_output(tensor.blob):
                tensor.diff, tensor.shared = None, False
