"""Convolution, with the bias and a ReLU that follows in place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.constants import (
    CONVOLUTION_DIRECT,
    DIFF_WEIGHTS_MD,
    F32,
    FORWARD_TRAINING,
    WEIGHTS_MD,
)
from engine.kernels.onednn.memory import Layout, Memory, dims
from engine.kernels.onednn.primitive import Description, attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.activation import relu_back, relu_of
from engine.plan.operations.base import Operation, operation
from engine.plan.operations.winograd import Winograd

# A convolution of so few channels, the first one, reads plain images; its gradient by weights is
# up to four times as fast when the maps it makes are in blocks of channels.
_FEW, _BLOCK = 4, 16


@operation("Convolution", "ConvolutionDepthwise", "DepthwiseConvolution")
class Convolution(Operation):
    """2-D convolution by oneDNN's direct implementations or, in some directions, by Winograd's
    transforms; images mostly channels last."""

    limits = "only one bottom of images in two dimensions"

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
        self._read_layer(bottom.shape, top.shape)
        self.winograd = Winograd(self.node, compiler.dtype)
        self._choose(compiler, bottom.shape, top.shape)
        self.x = compiler.values(self.source, self.source_layout)
        bias, memory = self._bias(compiler), compiler.top_memory(top, self.top_layout)
        if self.winograd.forward is not None:
            self.winograd.run_forward(compiler, self.x, bias, memory, self.fused)
        else:
            by_data = self.by_data is not None and self.winograd.by_data is None
            again = by_data and self.backward_weights == self.forward_weights
            weights = compiler.parameter(self.weight_blob, self.forward_weights, again)
            compiler.run(self.forward, src=self.x, weights=weights, bias=bias, dst=memory)
        self.top = compiler.make(top, memory)

    def _read_layer(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        """Takes weights and window from the layer, in oneDNN's terms."""
        layer = self.node.layer
        geometry = layer.geometry  # type: ignore[attr-defined]
        group: int = layer.group  # type: ignore[attr-defined]
        self.weight_blob, *rest = layer.blobs
        self.bias_blob = rest[0] if rest else None
        kernel = geometry.kernel
        self.weight_shape: tuple[int, ...] = (outputs[1], inputs[1] // group, *kernel)
        if group > 1:
            self.weight_shape = (group, outputs[1] // group, inputs[1] // group, *kernel)
        ends = [
            (out - 1) * s + (k - 1) * d + 1 - n - p
            for out, n, k, s, p, d in zip(
                outputs[2:], inputs[2:], kernel, geometry.stride, geometry.pad, geometry.dilation,
                strict=True,
            )
        ]  # fmt: skip
        self.window = (
            dims(geometry.stride),
            dims([d - 1 for d in geometry.dilation]),
            dims(geometry.pad),
            dims(ends),
        )

    def _choose(
        self, compiler: Compiler, inputs: tuple[int, ...], outputs: tuple[int, ...]
    ) -> None:
        """Describes the primitives in the best layouts that there are fast ones for."""
        if inputs[1] <= _FEW and outputs[1] % _BLOCK == 0:
            try:
                self._describe(compiler.plain(inputs), compiler.blocked(outputs))
                return
            except OneDNNError:
                pass  # channels last is second best
        self._describe(compiler.preferred(inputs), compiler.preferred(outputs))

    def _describe(self, source: Layout, top: Layout) -> None:
        self.source_layout, self.top_layout = source, top
        x, y, window = source.handle, top.handle, self.window
        w, dw = (Layout.any(self.weight_shape, dtype).handle for dtype in (source.dtype, F32))
        bias = None if self.bias_blob is None else Layout.plain((self.bias_blob.count,)).handle
        self.forward = describe("convolution_forward", FORWARD_TRAINING, CONVOLUTION_DIRECT,
                                x, w, bias, y, *window, attributes(relu=self.fused))  # fmt: skip
        self.forward_weights = self.forward.layout(WEIGHTS_MD, self.weight_shape)
        self.by_weights = self.by_data = None
        hint = self.forward.handle
        if self.node.need_backward and any(self.node.layer.param_propagate_down):
            self.by_weights = describe("convolution_backward_weights", CONVOLUTION_DIRECT,
                                       x, dw, bias, y, *window, hint, attributes())  # fmt: skip
            self.weight_gradient = self.by_weights.layout(DIFF_WEIGHTS_MD, self.weight_shape)
        if self.node.need_backward and self.node.propagate_down[0]:
            self.by_data = describe("convolution_backward_data", CONVOLUTION_DIRECT,
                                    x, w, y, *window, hint, attributes(),
                                    prefer=self._by_data_best())  # fmt: skip
            self.backward_weights = self.by_data.layout(WEIGHTS_MD, self.weight_shape)

    def _by_data_best(self) -> str:
        """The implementation by data that was measured to be faster than oneDNN's choice."""
        geometry = self.node.layer.geometry  # type: ignore[attr-defined]
        if self.weight_shape[1:3] == (1, 1) and len(self.weight_shape) == 5:
            return "jit_dw"  # one channel a group; the others take up to 40 times as long
        if max(geometry.kernel) > 1 and not any(geometry.pad):
            return "jit"  # does not compute with the zeros around the smaller top
        return ""

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
        if self.by_weights is not None:
            self._by_weights(compiler, dy, self.by_weights)
        if self.by_data is not None:
            compiler.give(
                self.source,
                self.source_layout,
                partial(self._by_data, compiler, dy, self.by_data),
            )

    def _by_weights(self, compiler: Compiler, dy: Memory, direct: Description) -> None:
        learns = self.node.layer.param_propagate_down
        if self.winograd.by_weights is not None:
            self.winograd.run_by_weights(compiler, self.x, dy, learns[-1])
            return
        parts = {"diff_weights": (self.weight_blob, self.weight_gradient, learns[0])}
        if self.bias_blob is not None:
            layout = Layout.plain((self.bias_blob.count,))
            parts["diff_bias"] = (self.bias_blob, layout, learns[1])
        compiler.parameter_gradients(direct, parts, src=self.x, diff_dst=dy)

    def _by_data(self, compiler: Compiler, dy: Memory, direct: Description, dx: Memory) -> None:
        if self.winograd.by_data is not None:
            self.winograd.run_by_data(compiler, dy, dx)
            return
        weights = compiler.parameter(self.weight_blob, self.backward_weights)
        compiler.run(direct, diff_src=dx, weights=weights, diff_dst=dy)
