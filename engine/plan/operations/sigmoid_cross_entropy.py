"""SigmoidCrossEntropyLoss, element by element in oneDNN's threads."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

from engine.kernels.onednn.constants import (
    ARGUMENTS,
    BINARY_ADD,
    BINARY_MULTIPLY,
    ELTWISE_LOGISTIC,
    ELTWISE_SOFT_RELU,
    FORWARD_TRAINING,
    SCALE,
)
from engine.kernels.onednn.elementwise import Factor, scaled
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Description, attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, operation
from layers.kernels.labels import ignored_label
from layers.kernels.normalizer import normalizer


@operation("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(Operation):
    """L = sum (log(1 + exp x) - x t) / Z and dL/dx = (s(x) - t) / Z, in float32."""

    limits = "only without an ignored label and weights of samples"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        plain = ignored_label(node.layer.layer_param.loss_param) is None and len(node.bottom) == 2
        targets_learn = node.need_backward and node.propagate_down[1]
        return [node] if plain and not targets_learn and node.bottom[0].count else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        scores, targets = self.node.bottom
        self.source, count = compiler.tensor(scores), scores.count
        self.layout, self.targets = Layout.plain(scores.shape), compiler.tensor(targets)
        self.flat = Layout.plain((count,))
        self._describe()
        self.x = self._flat_values(compiler, 0)
        self.t = self._flat_values(compiler, 1)
        batch = scores.shape[0]
        self.divisor = normalizer(self.node.layer.layer_param.loss_param, "BATCH_SIZE", count,
                                  count, batch)  # fmt: skip
        losses, minus = Memory(self.flat), Factor(-1)
        compiler.run(self.soft, src=self.x, dst=losses)
        compiler.run_with(self.product, [*_given(src=self.x, src_1=self.t, dst=losses),
                                         (SCALE | ARGUMENTS["src"], minus.memory)])  # fmt: skip
        compiler.emit(self._sum(losses))
        (top,) = self.node.top
        self.top = compiler.make(top, compiler.own(top))

    def _describe(self) -> None:
        flat, one, no = self.flat.handle, ctypes.c_float(1), ctypes.c_float(0)
        self.soft = self._eltwise(ELTWISE_SOFT_RELU, one)
        self.product = describe("binary", BINARY_MULTIPLY, flat, flat, flat, scaled(1.0, "src"))
        self.logistic = self._eltwise(ELTWISE_LOGISTIC, no)
        self.difference = describe("binary", BINARY_ADD, flat, flat, flat,
                                   scaled(0.0, "src", "src_1"))  # fmt: skip

    def _eltwise(self, algorithm: int, alpha: ctypes.c_float) -> Description:
        flat = self.flat.handle
        return describe("eltwise_forward", FORWARD_TRAINING, algorithm, flat, flat, alpha,
                        ctypes.c_float(0), attributes())  # fmt: skip

    def _flat_values(self, compiler: Compiler, index: int) -> Memory:
        blob = self.node.bottom[index]
        values = compiler.values(compiler.tensor(blob), Layout.plain(blob.shape))
        return compiler.matrix(values, self.flat, blob, 0)

    def _sum(self, losses: Memory) -> Callable[[], None]:
        values, top = losses.array(), self.node.top[0]

        def total() -> None:
            top.show(0)[...] = values.sum() / self.divisor

        return total

    def backward(self, compiler: Compiler) -> None:
        if not self.node.propagate_down[0]:
            return
        up, down = Factor(), Factor()
        top = self.node.top[0]

        def told() -> None:
            weight = float(top.show(1)) / self.divisor
            up.set(weight)
            down.set(-weight)

        def write(dx: Memory) -> None:
            flat = compiler.matrix(dx, self.flat, self.source.blob, 1)
            compiler.emit(told)
            compiler.run(self.logistic, src=self.x, dst=flat)
            factors = {"src": up, "src_1": down}
            compiler.run_with(self.difference, [
                *_given(src=flat, src_1=self.t, dst=flat),
                *((SCALE | ARGUMENTS[name], factor.memory) for name, factor in factors.items()),
            ])  # fmt: skip

        compiler.give(self.source, self.layout, write)


def _given(**memories: Memory) -> list[tuple[int, Memory]]:
    return [(ARGUMENTS[name], memory) for name, memory in memories.items()]
