"""InnerProduct, with the bias and an activation that follows in place."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.constants import FORWARD_TRAINING
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.activation import activate, activation_back, activation_of
from engine.plan.operations.base import Operation, operation


@operation("InnerProduct")
class InnerProduct(Operation):
    """Matrix products, with the weights as they lie in the arena.

    oneDNN's inner product would have them in an order of its own: in ours, with the sum along
    the last axis, it is many times slower with few images. Its matrix product is not. The
    backward inner products are as fast in our order, and leave the gradient where it belongs.
    """

    limits = "only weights not transposed"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        p = node.layer.layer_param.inner_product_param
        if p.transpose or not node.bottom[0].count:
            return []
        follower = activation_of(nodes, index, "ReLU", "Sigmoid", "TanH")
        return [node] if follower is None else [node, follower]

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.activation = nodes[1].layer.type if len(nodes) > 1 else ""
        self.source = compiler.tensor(bottom)
        self.weights, *rest = self.node.layer.blobs
        self.bias = rest[0] if rest else None
        outputs, inputs = self.weights.shape
        rows = bottom.count // inputs
        self.x_layout = compiler.plain((rows, inputs))
        self.w_layout = compiler.plain((outputs, inputs))
        self.y_layout = compiler.plain((rows, outputs))
        self.bias_layout = Layout.plain((outputs,))
        self.turned = Layout.strided((inputs, outputs), (1, inputs), compiler.dtype)
        self.bias_row = Layout.plain((1, outputs))
        self._describe()
        x = compiler.values(self.source, compiler.plain(bottom.shape))
        self.x = compiler.matrix(x, self.x_layout, bottom, 0)
        weights = compiler.parameter(self.weights, self.w_layout)
        weights = compiler.matrix(weights, self.turned, self.weights, 0)
        bias = None if self.bias is None else compiler.parameter_as(self.bias, self.bias_row)
        memory = compiler.top_memory(top, compiler.plain(top.shape))
        y = compiler.matrix(memory, self.y_layout, top, 0)
        compiler.run(self.forward, src=self.x, weights=weights, bias=bias, dst=y)
        self.top = compiler.make(top, memory)

    def _describe(self) -> None:
        x, w, y = self.x_layout.handle, self.w_layout.handle, self.y_layout.handle
        self.gradient_layout = Layout.plain(self.weights.shape)
        bias = None if self.bias is None else self.bias_layout.handle
        row = None if self.bias is None else self.bias_row.handle
        activation = activate(self.activation) if self.activation else 0
        self.forward = describe("matmul", x, self.turned.handle, row, y,
                                attributes(activation=activation))  # fmt: skip
        hint = describe("inner_product_forward", FORWARD_TRAINING, x, w, bias, y, attributes())
        if self.node.need_backward:
            self.by_weights = describe("inner_product_backward_weights", x,
                                       self.gradient_layout.handle, bias, y,
                                       hint.handle, attributes())  # fmt: skip
            self.by_data = describe("inner_product_backward_data", x, w, y,
                                    hint.handle, attributes())  # fmt: skip

    def backward(self, compiler: Compiler) -> None:
        dy = compiler.gradient(self.top, self.top.layout)
        if self.activation:
            dz = compiler.changed(self.top, dy)
            activation_back(compiler, self.activation, self.top.memory, dy, dz)
            dy = dz
        dy = compiler.matrix(dy, self.y_layout, self.top.blob, 1)
        learns = self.node.layer.param_propagate_down
        if any(learns):
            parts = {"diff_weights": (self.weights, self.gradient_layout, learns[0])}
            if self.bias is not None:
                parts["diff_bias"] = (self.bias, self.bias_layout, learns[1])
            compiler.parameter_gradients(self.by_weights, parts, src=self.x, diff_dst=dy)
        if self.node.propagate_down[0]:
            weights = compiler.parameter(self.weights, self.w_layout)
            layout = Layout.plain(self.source.shape, self.x_layout.dtype)

            def write(dx: Memory) -> None:
                matrix = compiler.matrix(dx, self.x_layout, self.source.blob, 1)
                compiler.run(self.by_data, diff_src=matrix, weights=weights, diff_dst=dy)

            compiler.give(self.source, layout, write)
