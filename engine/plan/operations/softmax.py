"""Softmax, in float32 and in a layout where the values of its axis lie side by side."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.constants import F32, FORWARD_TRAINING, SOFTMAX_ACCURATE
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import CHANNELS_LAST, Compiler
from engine.plan.operations.base import (
    Operation,
    changes_an_input,
    first_fast,
    next_in_place,
    operation,
    take_place,
)


@operation("Softmax")
class Softmax(Operation):
    """y = exp(x) / sum exp(x) along an axis, the last one or the channels of images."""

    limits = "only arrays with something in them, inputs and tops not changed in place"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        # The derivative is told from what the top holds in the end.
        stays = next_in_place(nodes, index) is None and not changes_an_input(nodes, index)
        return [node] if node.bottom[0].count and stays else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        layouts = [Layout.plain(bottom.shape)]
        if bottom.num_axes == len(CHANNELS_LAST):
            layouts.append(Layout.ordered(bottom.shape, CHANNELS_LAST, F32))
        if self.source.layout.dtype == F32:
            layouts.insert(0, self.source.layout)
        first_fast(layouts, self._describe)
        x = compiler.values(self.source, self.layout)
        memory = compiler.top_memory(top, self.layout)
        compiler.run(self.forward, src=x, dst=memory)
        self.top = compiler.make(top, memory)

    def _describe(self, layout: Layout) -> None:
        axis: int = self.node.layer._axis  # type: ignore[attr-defined]
        y = layout.handle
        self.forward = describe("softmax_forward", FORWARD_TRAINING, SOFTMAX_ACCURATE, y, y, axis,
                                attributes())  # fmt: skip
        if self.node.need_backward:
            self.back = describe("softmax_backward", SOFTMAX_ACCURATE, y, y, y, axis,
                                 self.forward.handle, attributes())  # fmt: skip
        self.layout = layout

    def backward(self, compiler: Compiler) -> None:
        if not self.node.propagate_down[0]:
            return
        dy, y = compiler.gradient(self.top, self.layout), self.top.memory
        take_place(self.source, self.top, dy)

        def write(dx: Memory) -> None:
            compiler.run(self.back, dst=y, diff_dst=dy, diff_src=dx)

        compiler.give(self.source, self.layout, write)
