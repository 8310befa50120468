"""LRN across channels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from engine.kernels.onednn.constants import FORWARD_TRAINING, LRN_ACROSS_CHANNELS, WORKSPACE_MD
from engine.kernels.onednn.memory import Layout
from engine.kernels.onednn.primitive import Description, attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, first_fast, operation
from engine.schema import LRNParameter


def _is_right(node: Node) -> bool:
    """Whether oneDNN's derivative is: up to version 2023.2 at least it has errors.

    A window of one channel crashes; with more than five, and channels in blocks of 16 of which
    the last is not full, it is another derivative.
    """
    (bottom,), size = node.bottom, node.layer.layer_param.lrn_param.local_size
    if bottom.num_axes != 4 or size == 1:
        return False
    return size <= 5 or bottom.shape[1] % 16 == 0


@operation("LRN")
class LRN(Operation):
    """Normalization by the neighbours among the channels, in the first layout that is fast."""

    limits = "only images, not in place, across 3 or 5 channels, or more of a multiple of 16"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        across = node.layer.layer_param.lrn_param.norm_region == LRNParameter.ACROSS_CHANNELS
        # In place, the derivative is told from what the blob holds in the end.
        apart = node.top[0] is not node.bottom[0]
        return [node] if across and apart and _is_right(node) else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        layouts = compiler.like(self.source, bottom.shape), compiler.blocked(bottom.shape)
        first_fast(layouts, self._describe)
        self.workspace = self.forward.own_memory(WORKSPACE_MD)
        self.x = compiler.values(self.source, self.layout)
        memory = compiler.top_memory(top, self.layout)
        compiler.run(self.forward, src=self.x, dst=memory, workspace=self.workspace)
        self.top = compiler.make(top, memory)

    def _describe(self, layout: Layout) -> None:
        p = self.node.layer.layer_param.lrn_param
        settings = (p.local_size, *map(ctypes.c_float, (p.alpha, p.beta, p.k)))
        handle = layout.handle
        self.forward: Description = describe(
            "lrn_forward", FORWARD_TRAINING, LRN_ACROSS_CHANNELS, handle, handle,
            ctypes.c_int64(settings[0]), *settings[1:], attributes(),
        )  # fmt: skip
        if self.node.need_backward:
            self.back = describe(
                "lrn_backward", LRN_ACROSS_CHANNELS, handle, handle, handle,
                ctypes.c_int64(settings[0]), *settings[1:], self.forward.handle, attributes(),
            )  # fmt: skip
        self.layout = layout

    def backward(self, compiler: Compiler) -> None:
        if not self.node.propagate_down[0]:
            return
        dy = compiler.gradient(self.top, self.layout)
        compiler.give(
            self.source,
            self.layout,
            lambda dx: compiler.run(
                self.back, src=self.x, diff_src=dx, diff_dst=dy, workspace=self.workspace
            ),
        )
