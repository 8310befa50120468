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


@operation("LRN")
class LRN(Operation):
    """Normalization by the neighbours among the channels, in the first layout that is fast."""

    limits = "only images, across several channels, not in place"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        p = node.layer.layer_param.lrn_param
        # Some versions of oneDNN crash as they make the derivative of a window of one channel.
        across = p.norm_region == p.ACROSS_CHANNELS and p.local_size > 1
        # In place, the derivative is told from what the blob holds in the end.
        apart = node.top[0] is not node.bottom[0]
        return [node] if across and apart and node.bottom[0].num_axes == 4 else []

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
