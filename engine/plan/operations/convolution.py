"""Convolution, with the bias and a ReLU that follows in place."""

from __future__ import annotations

from collections.abc import Sequence

from engine.kernels.onednn.constants import (
    CONVOLUTION_DIRECT,
    DIFF_WEIGHTS_MD,
    FORWARD_TRAINING,
    WEIGHTS_MD,
)
from engine.kernels.onednn.memory import Layout, Memory, dims
from engine.kernels.onednn.primitive import attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.activation import relu_back, relu_of
from engine.plan.operations.base import Operation, operation


@operation("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution")
class Convolution(Operation):
    """2-D convolution by oneDNN's direct implementations, images channels last."""

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        kernel = node.layer.geometry.kernel  # type: ignore[attr-defined]
        if len(node.bottom) != 1 or node.bottom[0].num_axes != 4 or len(kernel) != 2:
            return []
        if not node.bottom[0].count:
            return []
        relu = relu_of(nodes, index)
        return [node, relu] if relu is not None else [node]

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.fused = len(nodes) > 1
        self.source = compiler.tensor(bottom)
        self._describe(compiler, bottom.shape, top.shape)
        self.x = compiler.values(self.source, self.source_layout)
        weights = compiler.parameter(self.weight_blob, self.forward_weights)
        memory = compiler.top_memory(top, self.top_layout)
        compiler.run(
            self.forward, src=self.x, weights=weights, bias=self._bias(compiler), dst=memory
        )
        self.top = compiler.make(top, memory)

    def _describe(
        self, compiler: Compiler, inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> None:
        layer = self.node.layer
        geometry = layer.geometry  # type: ignore[attr-defined]
        group: int = layer.group  # type: ignore[attr-defined]
        self.weight_blob = layer.blobs[0]
        self.bias_blob = layer.blobs[1] if len(layer.blobs) > 1 else None
        kernel = geometry.kernel
        shape = (outputs[1], inputs[1] // group, *kernel)
        if group > 1:
            shape = (group, outputs[1] // group, inputs[1] // group, *kernel)
        self.weight_shape = shape
        self.source_layout = compiler.preferred(inputs)
        self.top_layout = compiler.preferred(outputs)
        weights = Layout.any(shape)
        bias = None if self.bias_blob is None else Layout.plain((outputs[1],)).handle
        ends = [
            (out - 1) * s + (k - 1) * d + 1 - n - p
            for out, n, k, s, p, d in zip(
                outputs[2:], inputs[2:], kernel, geometry.stride, geometry.pad, geometry.dilation,
                strict=True,
            )
        ]  # fmt: skip
        window = (
            dims(geometry.stride),
            dims([d - 1 for d in geometry.dilation]),
            dims(geometry.pad),
            dims(ends),
        )
        x, y = self.source_layout.handle, self.top_layout.handle
        w = weights.handle
        self.forward = describe("convolution_forward", FORWARD_TRAINING, CONVOLUTION_DIRECT,
                                x, w, bias, y, *window, attributes(relu=self.fused))  # fmt: skip
        self.forward_weights = self.forward.layout(WEIGHTS_MD, shape)
        self.by_weights = self.by_data = None
        if not self.node.need_backward:
            return
        hint = self.forward.handle
        if any(layer.param_propagate_down):
            self.by_weights = describe("convolution_backward_weights", CONVOLUTION_DIRECT,
                                       x, w, bias, y, *window, hint, attributes())  # fmt: skip
            self.weight_gradient = self.by_weights.layout(DIFF_WEIGHTS_MD, shape)
        if self.node.propagate_down[0]:
            self.by_data = describe("convolution_backward_data", CONVOLUTION_DIRECT,
                                    x, w, y, *window, hint, attributes())  # fmt: skip
            self.backward_weights = self.by_data.layout(WEIGHTS_MD, shape)

    def _bias(self, compiler: Compiler) -> Memory | None:
        if self.bias_blob is None:
            return None
        return compiler.parameter(self.bias_blob, Layout.plain((self.bias_blob.count,)))

    def backward(self, compiler: Compiler) -> None:
        dy = compiler.gradient(self.top, self.top_layout)
        if self.fused:
            dz = compiler.changed(self.top, dy)
            relu_back(compiler, self.top.memory, dy, dz)
            dy = dz
        learns = self.node.layer.param_propagate_down
        if self.by_weights is not None:
            parts = {"diff_weights": (self.weight_blob, self.weight_gradient, learns[0])}
            if self.bias_blob is not None:
                layout = Layout.plain((self.bias_blob.count,))
                parts["diff_bias"] = (self.bias_blob, layout, learns[1])
            compiler.parameter_gradients(self.by_weights, parts, src=self.x, diff_dst=dy)
        if self.by_data is not None:
            description = self.by_data
            weights = compiler.parameter(self.weight_blob, self.backward_weights)
            compiler.give(
                self.source,
                self.source_layout,
                lambda dx: compiler.run(description, diff_src=dx, weights=weights, diff_dst=dy),
            )
