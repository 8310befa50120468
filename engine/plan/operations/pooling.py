"""Pooling: MAX and AVE."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.constants import (
    FORWARD_TRAINING,
    POOLING_AVERAGE,
    POOLING_AVERAGE_PADDED,
    POOLING_MAX,
    WORKSPACE_MD,
)
from engine.kernels.onednn.memory import dims
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, operation


def _algorithm(node: Node) -> int | None:
    """oneDNN's algorithm that divides as Caffe does; None where there is none."""
    p = node.layer.layer_param.pooling_param
    axes = (node.layer.rows, node.layer.columns)  # type: ignore[attr-defined]
    if any((axis.out - 1) * axis.stride >= axis.length + axis.pad for axis in axes):
        return None  # the last window lies beyond the image
    if p.pool == p.MAX:
        return POOLING_MAX
    if p.pool != p.AVE:
        return None
    if all(axis.pad == 0 for axis in axes):
        return POOLING_AVERAGE
    # Caffe's area counts padding, but nothing beyond it; so no window may reach that far.
    inside = all(_beyond(axis) <= axis.pad for axis in axes)
    return POOLING_AVERAGE_PADDED if inside else None


def _beyond(axis) -> int:  # type: ignore[no-untyped-def]
    """How far the last window reaches beyond the image."""
    return int((axis.out - 1) * axis.stride + axis.kernel - axis.length - axis.pad)


@operation("Pooling")
class Pooling(Operation):
    """Pooling of images, channels last."""

    limits = "only MAX, and AVE whose windows end within the padding"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        return [node] if len(node.top) == 1 and _algorithm(node) is not None else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        self.x_layout = compiler.like(self.source, bottom.shape)
        self.y_layout = compiler.like(self.source, top.shape)
        layer = self.node.layer
        axes = (layer.rows, layer.columns)  # type: ignore[attr-defined]
        algorithm = _algorithm(self.node)
        window = (
            dims([axis.stride for axis in axes]),
            dims([axis.kernel for axis in axes]),
            dims([0, 0]),
            dims([axis.pad for axis in axes]),
            dims([_beyond(axis) for axis in axes]),
        )
        x, y = self.x_layout.handle, self.y_layout.handle
        forward = describe("pooling_forward", FORWARD_TRAINING, algorithm, x, y, *window,
                           attributes())  # fmt: skip
        if self.node.need_backward:
            self.back = describe("pooling_backward", algorithm, x, y, *window, forward.handle,
                                 attributes())  # fmt: skip
        self.workspace = forward.own_memory(WORKSPACE_MD)
        memory = compiler.top_memory(top, self.y_layout)
        source = compiler.values(self.source, self.x_layout)
        compiler.run(forward, src=source, dst=memory, workspace=self.workspace)
        self.top = compiler.make(top, memory)

    def backward(self, compiler: Compiler) -> None:
        if not self.node.propagate_down[0]:
            return
        dy = compiler.gradient(self.top, self.y_layout)
        compiler.give(
            self.source,
            self.x_layout,
            lambda dx: compiler.run(self.back, diff_src=dx, diff_dst=dy, workspace=self.workspace),
        )
