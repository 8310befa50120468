"""Split: several readers of one blob; their gradients add up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.kernels.onednn.constants import BINARY_ADD
from engine.kernels.onednn.memory import Memory
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.calls import is_own
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, operation
from layers.blob import Blob


def share_all(tops: Sequence[Blob], bottom: Blob) -> None:
    """Makes the values of the tops those of the bottom."""
    bottom.show(0)
    for blob in tops:
        blob.share_data(bottom)


@operation("Split")
class Split(Operation):
    """The tops are the bottom, without a copy; so is a gradient that is the only one."""

    limits = "only arrays with something in them"

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        self.source = compiler.tensor(self.node.bottom[0])
        handle = self.source.layout.handle
        self.adding = describe("binary", BINARY_ADD, handle, handle, handle, attributes())
        self.tops = []
        (bottom,) = self.node.bottom
        if is_own(self.source.memory, bottom, 0):
            # Whoever reads the tops' own arrays is to find them where the bottom has moved to.
            compiler.emit(partial(share_all, self.node.top, bottom))
        share_all(self.node.top, bottom)
        for blob in self.node.top:
            tensor = compiler.make(blob, self.source.memory)
            tensor.copies = self.source.copies
            self.tops.append(tensor)

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        return [node] if node.bottom[0].count else []

    def backward(self, compiler: Compiler) -> None:
        if not self.node.propagate_down[0]:
            return
        given = [
            compiler.diff(tensor)
            for tensor in self.tops
            if tensor.diff is not None or compiler.is_output(tensor.blob)
        ]
        if len(given) == 1:
            compiler.pass_on(self.source, given[0])
        elif given:
            compiler.give(
                self.source, self.source.layout, lambda dx: self._add(compiler, given, dx)
            )

    def _add(self, compiler: Compiler, given: list[Memory], dx: Memory) -> None:
        total = given[0]
        for more in given[1:]:
            compiler.run(self.adding, src=total, src_1=more, dst=dx)
            total = dx
