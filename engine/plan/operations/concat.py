"""Concat along the channels."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

from engine.kernels.onednn.calls import Handle, OneDNNError, PrimitiveDesc, call, engine
from engine.kernels.onednn.constants import ARGUMENTS
from engine.kernels.onednn.primitive import Description, attributes
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, operation


@operation("Concat")
class Concat(Operation):
    """The bottoms behind each other; each gradient is a part of the top's, copied out."""

    limits = "only channels of images"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        axis = node.layer._axis  # type: ignore[attr-defined]
        return [node] if axis == 1 and node.top[0].num_axes == 4 and node.top[0].count else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (top,) = self.node.top
        self.sources = [compiler.tensor(blob) for blob in self.node.bottom]
        self.layout = compiler.preferred(top.shape)
        layouts = [compiler.preferred(source.shape) for source in self.sources]
        self.parts = []
        start = 0
        for layout in layouts:
            part = self.layout.part((0, start, 0, 0), layout.shape)
            if part is None:
                raise OneDNNError("concat: a part cannot be named")
            self.parts.append(part)
            start += layout.shape[1]
        handle = PrimitiveDesc()
        handles = (Handle * len(layouts))(*[layout.handle for layout in layouts])
        call("concat_primitive_desc_create", ctypes.byref(handle), engine(), self.layout.handle,
             len(layouts), 1, handles, attributes())  # fmt: skip
        description = Description("concat", handle)
        given = [
            (ARGUMENTS["multiple_src"] + index, compiler.values(source, layout))
            for index, (source, layout) in enumerate(zip(self.sources, layouts, strict=True))
        ]
        memory = compiler.top_memory(top, self.layout)
        compiler.run_with(description, [*given, (ARGUMENTS["dst"], memory)])
        self.top = compiler.make(top, memory)

    def backward(self, compiler: Compiler) -> None:
        dy = compiler.gradient(self.top, self.layout)
        for source, part, wanted in zip(
            self.sources, self.parts, self.node.propagate_down, strict=True
        ):
            if wanted:
                compiler.copy(dy.seen_as(part), compiler.diff(source))
