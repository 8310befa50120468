"""ReLU, Sigmoid and TanH: alone, or as what a layer before them does to its result."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from engine.kernels.onednn.constants import (
    ELTWISE_LOGISTIC,
    ELTWISE_RELU,
    ELTWISE_TANH,
    FORWARD_TRAINING,
    LOGISTIC_FROM_TOP,
    RELU_FROM_TOP,
    TANH_FROM_TOP,
)
from engine.kernels.onednn.memory import Memory
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import (
    Operation,
    next_in_place,
    operation,
    same_backward,
    take_place,
)

_ALGORITHMS = {
    "ReLU": (ELTWISE_RELU, RELU_FROM_TOP),
    "Sigmoid": (ELTWISE_LOGISTIC, LOGISTIC_FROM_TOP),
    "TanH": (ELTWISE_TANH, TANH_FROM_TOP),
}


def activation_of(nodes: Sequence[Node], index: int, *kinds: str) -> Node | None:
    """The activation of one of these types that follows in place, to be fused; else None."""
    node = next_in_place(nodes, index)
    if node is None or node.layer.type not in kinds or not fusible(node):
        return None
    if is_changed(nodes, node):
        return None
    return node if same_backward(nodes[index], node) else None


def relu_of(nodes: Sequence[Node], index: int) -> Node | None:
    """The ReLU that follows in place, to be fused; else None."""
    return activation_of(nodes, index, "ReLU")


def fusible(node: Node) -> bool:
    """Whether its derivative can be told from its result."""
    return node.layer.type != "ReLU" or node.layer.layer_param.relu_param.negative_slope == 0


def is_changed(nodes: Sequence[Node], node: Node) -> bool:
    """Whether layers after it change its top in place, and so its derivative.

    Caffe's layers tell it from what the blob holds in the end. For a ReLU, what a Dropout makes
    will do: where that makes zeros of positive numbers, their gradient is zero.
    """
    following = next_in_place(nodes, nodes.index(node))
    while following is not None and (node.layer.type, following.layer.type) == ("ReLU", "Dropout"):
        following = next_in_place(nodes, nodes.index(following))
    return following is not None


def activate(kind: str) -> int:
    """The algorithm of a layer type, for what is done to a result."""
    return _ALGORITHMS[kind][0]


def relu_back(compiler: Compiler, y: Memory, dy: Memory, dx: Memory) -> None:
    """Emits dx <- dy where y > 0, else 0; dx may be dy."""
    activation_back(compiler, "ReLU", y, dy, dx)


def activation_back(
    compiler: Compiler, kind: str, y: Memory, dy: Memory, dx: Memory, slope: float = 0.0
) -> None:
    """Emits dx <- dy times the derivative, told from the result y; dx may be dy."""
    forward, backward = _ALGORITHMS[kind]
    alpha, beta = ctypes.c_float(slope), ctypes.c_float(0)
    hint = describe("eltwise_forward", FORWARD_TRAINING, backward, y.layout.handle,
                    y.layout.handle, alpha, beta, attributes())  # fmt: skip
    description = describe("eltwise_backward", backward, dx.layout.handle, dy.layout.handle,
                           y.layout.handle, alpha, beta, hint.handle, attributes())  # fmt: skip
    compiler.run(description, dst=y, diff_dst=dy, diff_src=dx)


@operation("ReLU", "Sigmoid", "TanH")
class Activation(Operation):
    """An activation, in the layout that its bottom has."""

    limits = "only slopes of 0 up"

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        self.kind = self.node.layer.type
        relu = self.node.layer.layer_param.relu_param
        self.slope: float = relu.negative_slope if self.kind == "ReLU" else 0.0
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        layout = self.source.layout
        forward = describe("eltwise_forward", FORWARD_TRAINING, _ALGORITHMS[self.kind][0],
                           layout.handle, layout.handle, ctypes.c_float(self.slope),
                           ctypes.c_float(0), attributes())  # fmt: skip
        memory = self.source.memory if top is bottom else compiler.top_memory(top, layout)
        compiler.run(forward, src=self.source.memory, dst=memory)
        self.top = compiler.make(top, memory)

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        relu = node.layer.layer_param.relu_param
        told = node.layer.type != "ReLU" or relu.negative_slope >= 0
        return [node] if told and node.bottom[0].count else []

    def backward(self, compiler: Compiler) -> None:
        if not self.node.propagate_down[0]:
            return
        dy = compiler.gradient(self.top, self.top.layout)
        take_place(self.source, self.top, dy)
        y, kind, slope = self._told_from(compiler), self.kind, self.slope
        compiler.give(
            self.source,
            self.source.layout,
            lambda dx: activation_back(compiler, kind, y, dy, dx, slope),
        )

    def _told_from(self, compiler: Compiler) -> Memory:
        """What the derivative is told from."""
        if not is_changed(compiler.nodes, self.node):
            return self.top.memory
        if self.kind == "ReLU" and self.top.blob is not self.source.blob:
            return self.source.memory  # which has the same signs
        return compiler.values(compiler.made[id(self.top.blob)][-1], self.top.layout)
