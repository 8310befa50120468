"""PReLU, in the layout that its bottom has."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.constants import FORWARD_TRAINING
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import (
    Operation,
    changes_an_input,
    first_fast,
    operation,
    take_place,
)


@operation("PReLU")
class PReLU(Operation):
    """y = x where x > 0, else a x, with a slope a for each channel."""

    limits = "only a slope for each channel, and no input changed in place"
    wants_bottom = True

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        applies = node.layer.blobs[0].shape and node.bottom[0].count
        return [node] if applies and not changes_an_input(nodes, index) else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        (self.slopes,) = self.node.layer.blobs
        self.by_channel = Layout.plain((1, bottom.shape[1], *(1 for _ in bottom.shape[2:])))
        # Of images with channels in blocks there is only a slow one.
        layouts = self.source.layout, compiler.preferred(bottom.shape)
        first_fast(layouts, self._describe)
        self.x = self.kept_bottom(compiler, self.layout)
        self.a = compiler.parameter_as(self.slopes, self.by_channel)
        memory = compiler.top_memory(top, self.layout)
        compiler.run(self.forward, src=self.x, weights=self.a, dst=memory)
        self.top = compiler.make(top, memory)

    def _describe(self, layout: Layout) -> None:
        x, a = layout.handle, self.by_channel.handle
        self.forward = describe("prelu_forward", FORWARD_TRAINING, x, a, x, attributes())
        if self.node.need_backward:
            self.back = describe("prelu_backward", x, a, x, a, x, self.forward.handle,
                                 attributes())  # fmt: skip
        self.layout = layout

    def backward(self, compiler: Compiler) -> None:
        dy = compiler.gradient(self.top, self.layout)
        take_place(self.source, self.top, dy)
        learns = self.node.layer.param_propagate_down[0]
        parts = {"diff_weights": (self.slopes, self.by_channel, learns)}

        def write(dx: Memory) -> None:
            compiler.parameter_gradients(
                self.back, parts, src=self.x, weights=self.a, diff_src=dx, diff_dst=dy
            )

        if self.node.propagate_down[0]:
            compiler.give(self.source, self.layout, write)
        else:
            write(compiler.gradients.make(self.layout))
