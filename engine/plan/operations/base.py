"""The contract of operations, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, TypeVar

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.memory import Layout, Memory
from engine.net.gradient_flow import Node
from engine.plan.calls import is_own
from engine.plan.compiler import Compiler
from engine.plan.tensor import LateCopy, Tensor

_operations: dict[str, type[Operation]] = {}

OperationClass = TypeVar("OperationClass", bound="type[Operation]")


class Operation:
    """Computes what one node of a net computes, or several that follow each other in place.

    The constructor compiles the forward pass. It asks for all that the backward pass will
    need before it emits anything; when oneDNN lacks something, it raises OneDNNError, and the
    reference layer runs instead.

    Args:
        compiler: takes the calls.
        nodes: those that :meth:`match` took.

    Attributes:
        layers: the types of layers that it computes.
        limits: in words, what :meth:`match` wants of such a layer.
        wants_bottom: whether the backward pass reads a bottom that may be changed in place.
        recall: brings back what the last forward pass began with: a bottom that was changed in
            place, or states carried on; None where the layer does without it, backward.
    """

    layers: ClassVar[tuple[str, ...]] = ()
    limits: ClassVar[str] = ""
    wants_bottom: ClassVar[bool] = False

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        self.nodes = list(nodes)
        self.node = nodes[0]
        self.recall: Callable[[], None] | None = None

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        """The nodes, from ``index`` on, that it computes; none where it does not apply."""
        return [nodes[index]]

    def kept_bottom(self, compiler: Compiler, layout: Layout) -> Memory:
        """The values of the only bottom; where the top takes its place, those that last."""
        (bottom,), (top,) = self.node.bottom, self.node.top
        source = compiler.tensor(bottom)
        x = compiler.values(source, layout)
        if top is not bottom:
            return x
        if is_own(x, bottom, 0):  # who looks sees the top there
            x = Memory(layout)
            compiler.copy(source.memory, x)
        self.recall = partial(LateCopy(x, out=True), bottom, 0)
        return x

    def backward(self, compiler: Compiler) -> None:
        """Compiles the backward pass; runs only where the nodes have something to do there."""
        raise NotImplementedError


def operation(*layers: str) -> Callable[[OperationClass], OperationClass]:
    """Class decorator: the operation computes layers of these types."""

    def register(cls: OperationClass) -> OperationClass:
        cls.layers = layers
        for layer in layers:
            _operations[layer] = cls
        return cls

    return register


def find_operation(layer: str) -> type[Operation] | None:
    """The operation for a layer type, where there is one."""
    return _operations.get(layer)


def take_place(source: Tensor, top: Tensor, dy: Memory) -> None:
    """Makes the gradient of a top that took its bottom's place that of the bottom, if it may."""
    in_place = top.blob is source.blob and not top.shared
    if in_place and dy.layout == source.layout:
        source.diff = dy


def first_fast(layouts: Sequence[Layout], describe: Callable[[Layout], None]) -> None:
    """Describes what is computed in the first of the layouts that oneDNN is fast in.

    Raises:
        OneDNNError: there is none.
    """
    for layout in layouts:
        try:
            describe(layout)
            return
        except OneDNNError as problem:
            reason = problem
    raise reason


def changes_an_input(nodes: Sequence[Node], index: int) -> bool:
    """Whether the node changes in place what comes into the net, and stays for the next pass."""
    node = nodes[index]
    maker = next(other for other in nodes if any(top is node.bottom[0] for top in other.top))
    return node.top[0] is node.bottom[0] and not maker.bottom


def next_in_place(nodes: Sequence[Node], index: int) -> Node | None:
    """The node that changes this one's only top in place, if that is what is done with it."""
    top = nodes[index].top[0]
    for node in nodes[index + 1 :]:
        if any(blob is top for blob in node.bottom):
            in_place = len(node.bottom) == 1 and len(node.top) == 1 and node.top[0] is top
            return node if in_place else None
    return None


def same_backward(first: Node, second: Node) -> bool:
    """Whether the gradient passes through both or neither."""
    return first.need_backward == second.need_backward and (
        not second.need_backward or all(second.propagate_down)
    )
