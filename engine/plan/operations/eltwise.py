"""Eltwise: plain sums, with a ReLU that follows in place."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.constants import BINARY_ADD
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.activation import relu_back, relu_of
from engine.plan.operations.base import Operation, operation


@operation("Eltwise")
class Eltwise(Operation):
    """The sum of the bottoms; its gradient is that of the top, and is not copied."""

    limits = "only sums without coefficients"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        p = node.layer.layer_param.eltwise_param
        if p.operation != p.SUM or any(c != 1 for c in p.coeff) or not node.top[0].count:
            return []
        relu = relu_of(nodes, index)
        return [node] if relu is None else [node, relu]

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        self.fused = len(nodes) > 1
        self.sources = [compiler.tensor(blob) for blob in self.node.bottom]
        (top,) = self.node.top
        self.layout = compiler.preferred(top.shape)
        handle = self.layout.handle
        steps = len(self.sources) - 1
        descriptions = [
            describe("binary", BINARY_ADD, handle, handle, handle,
                     attributes(relu=self.fused and step == steps - 1))
            for step in range(steps)
        ]  # fmt: skip
        total = compiler.values(self.sources[0], self.layout)
        memory = compiler.top_memory(top, self.layout)
        for description, source in zip(descriptions, self.sources[1:], strict=True):
            more = compiler.values(source, self.layout)
            compiler.run(description, src=total, src_1=more, dst=memory)
            total = memory
        self.top = compiler.make(top, memory)

    def backward(self, compiler: Compiler) -> None:
        dy = compiler.gradient(self.top, self.layout)
        if self.fused:
            dz = compiler.changed(self.top, dy)
            relu_back(compiler, self.top.memory, dy, dz)
            dy = dz
        for source, wanted in zip(self.sources, self.node.propagate_down, strict=True):
            if wanted:
                compiler.pass_on(source, dy)
