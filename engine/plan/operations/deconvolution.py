"""Deconvolution, with the bias; images channels last."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from engine.kernels.onednn.constants import (
    DECONVOLUTION_DIRECT,
    DIFF_WEIGHTS_MD,
    F32,
    FORWARD_TRAINING,
    WEIGHTS_MD,
)
from engine.kernels.onednn.memory import Layout, Memory, dims
from engine.kernels.onednn.primitive import Description, attributes, describe
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, operation


@operation("Deconvolution")
class Deconvolution(Operation):
    """2-D transposed convolution.

    Caffe keeps weights by inputs first, oneDNN wants them by outputs: they are read, and their
    gradient is written, with those axes exchanged.
    """

    limits = "only one bottom of images in two dimensions"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        kernel = node.layer.geometry.kernel  # type: ignore[attr-defined]
        images = len(node.bottom) == 1 and node.bottom[0].num_axes == 4 and len(kernel) == 2
        return [node] if images and node.bottom[0].count else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (bottom,), (top,) = self.node.bottom, self.node.top
        self.source = compiler.tensor(bottom)
        self.source_layout = compiler.preferred(bottom.shape)
        self.top_layout = compiler.preferred(top.shape)
        self.weights, *rest = self.node.layer.blobs
        self.bias = rest[0] if rest else None
        self.by_map = Layout.plain((top.shape[1],))
        held = self._held()
        self._describe(held.shape, compiler.dtype)
        compiler.holds(self.weights, held)
        self.x = compiler.values(self.source, self.source_layout)
        weights = compiler.parameter(self.weights, self.forward_weights)
        bias = None if self.bias is None else compiler.parameter(self.bias, self.by_map)
        memory = compiler.top_memory(top, self.top_layout)
        compiler.run(self.forward, src=self.x, weights=weights, bias=bias, dst=memory)
        self.top = compiler.make(top, memory)

    def _held(self) -> Layout:
        """The arena's weights as (group, outputs, inputs, kernel...), all of one group."""
        group: int = self.node.layer.group  # type: ignore[attr-defined]
        channels, outputs, *kernel = self.weights.shape
        inputs, window = channels // group, kernel[0] * kernel[1]
        shape = (group, outputs, inputs, *kernel)
        strides = (inputs * outputs * window, window, outputs * window, kernel[1], 1)
        first = 0 if group > 1 else 1
        return Layout.strided(shape[first:], strides[first:])

    def _describe(self, shape: Sequence[int], dtype: int) -> None:
        geometry = self.node.layer.geometry  # type: ignore[attr-defined]
        pad = dims(geometry.pad)
        window = dims(geometry.stride), dims([d - 1 for d in geometry.dilation]), pad, pad
        x, y = self.source_layout.handle, self.top_layout.handle
        w, dw = (Layout.any(shape, kind).handle for kind in (dtype, F32))
        bias = None if self.bias is None else self.by_map.handle
        self.forward = describe("deconvolution_forward", FORWARD_TRAINING, DECONVOLUTION_DIRECT,
                                x, w, bias, y, *window, attributes())  # fmt: skip
        self.forward_weights = self.forward.layout(WEIGHTS_MD, shape, dtype)
        self.by_weights = self.by_data = None
        hint = self.forward.handle
        if self.node.need_backward and any(self.node.layer.param_propagate_down):
            self.by_weights = describe("deconvolution_backward_weights", DECONVOLUTION_DIRECT,
                                       x, dw, bias, y, *window, hint, attributes())  # fmt: skip
            self.weight_gradient = self.by_weights.layout(DIFF_WEIGHTS_MD, shape)
        if self.node.need_backward and self.node.propagate_down[0]:
            self.by_data = describe("deconvolution_backward_data", DECONVOLUTION_DIRECT,
                                    x, w, y, *window, hint, attributes())  # fmt: skip
            self.backward_weights = self.by_data.layout(WEIGHTS_MD, shape, dtype)

    def backward(self, compiler: Compiler) -> None:
        dy = compiler.gradient(self.top, self.top_layout)
        learns = self.node.layer.param_propagate_down
        if self.by_weights is not None:
            parts = {"diff_weights": (self.weights, self.weight_gradient, learns[0])}
            if self.bias is not None:
                parts["diff_bias"] = (self.bias, self.by_map, learns[1])
            compiler.parameter_gradients(self.by_weights, parts, src=self.x, diff_dst=dy)
        if self.by_data is not None:
            write = partial(self._by_data, compiler, dy, self.by_data)
            compiler.give(self.source, self.source_layout, write)

    def _by_data(self, compiler: Compiler, dy: Memory, by_data: Description, dx: Memory) -> None:
        weights = compiler.parameter(self.weights, self.backward_weights)
        compiler.run(by_data, diff_src=dx, weights=weights, diff_dst=dy)
