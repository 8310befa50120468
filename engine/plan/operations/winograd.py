"""Which directions of a convolution Winograd's transforms compute, and their calls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.kernels.loops import need_loops
from engine.kernels.loops.winograd_shapes import Shape, WeightOrder
from engine.kernels.loops.winograd_transforms import PLANES
from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.constants import BF16, F32
from engine.kernels.onednn.memory import Layout, Memory
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from layers.kernels.threads import thread_count

if TYPE_CHECKING:
    from engine.kernels.loops import winograd

# Where Winograd was faster than oneDNN's direct implementations, on two cores with AVX-512.
# Pairs of maps for each tile, beyond which weights take too long to transform; in bfloat16, whose
# direct products are twice as fast, only 3x3 kernels gain.
_MOST_PAIRS = {(3, F32): math.inf, (3, BF16): math.inf, (5, F32): 16}
_LANES, _FEWEST_MAPS = 16, 32
_FEWEST_TILES = 8  # for fewer, weights take longer to transform than to multiply
_LEAST_WORK = 1 << 25  # products of the direct way: a tenth of a millisecond
_LARGEST_SHARE = 0.5  # of those products that tiles need, with what lies beyond an image's edge
# Threads share out maps instead of tiles, where there are so many pairs of maps for each tile.
_PAIRS, _PAIRS_BY_WEIGHTS = 512, 320
_FLOAT = 4  # bytes


class Winograd:
    """The directions of a convolution that are faster so; none where numba is not installed.

    Args:
        node: of the convolution.
        dtype: of its images, float32 or bfloat16; transforms and products are float32.

    Attributes:
        forward, by_data, by_weights: the kernels; None for what is slower, or not needed.
    """

    def __init__(self, node: Node, dtype: int = F32):
        self.forward: winograd.Convolution | None = None
        self.by_data: winograd.Convolution | None = None
        self.by_weights: winograd.WeightGradient | None = None
        layer: Any = node.layer
        self._weights, *rest = layer.blobs
        self._bias = rest[0] if rest else None
        if not _applies(layer, dtype):
            return
        inputs, outputs = node.bottom[0].shape, node.top[0].shape
        pad, (kernel, _) = layer.geometry.pad, layer.geometry.kernel
        ahead = Shape.of(inputs, outputs, pad, kernel, dtype)
        back = Shape.of(outputs, inputs, [kernel - 1 - each for each in pad], kernel, dtype)
        forward, learns = _is_faster(ahead), layer.param_propagate_down[0]
        by_data = node.need_backward and node.propagate_down[0] and _is_faster(back)
        try:
            if forward or by_data:
                need_loops()
            if forward:
                self._make_forward(ahead, node.need_backward and learns)
            if by_data:
                self._make_by_data(back)
        except OneDNNError:
            self.forward = self.by_data = self.by_weights = None

    def _make_forward(self, shape: Shape, by_weights: bool) -> None:
        """Makes the kernel of the forward pass, and that of the gradient by weights."""
        from engine.kernels.loops.winograd import Convolution, WeightGradient

        kernel = _FLOAT * shape.kernel**2
        order = WeightOrder(0, kernel * shape.channels, kernel, _FLOAT)
        self.forward = Convolution(shape, thread_count(), _pairs(shape) >= _PAIRS, order)
        if by_weights:
            by_maps = thread_count() * _pairs(shape) >= _PAIRS_BY_WEIGHTS
            self.by_weights = WeightGradient(shape, thread_count(), by_maps)

    def _make_by_data(self, shape: Shape) -> None:
        """The same with kernels turned by half a turn, from what they made to what they read."""
        from engine.kernels.loops.winograd import Convolution

        kernel = _FLOAT * shape.kernel**2
        order = WeightOrder(kernel - _FLOAT, kernel, kernel * shape.maps, -_FLOAT)
        self.by_data = Convolution(shape, thread_count(), _pairs(shape) >= _PAIRS, order)

    def run_forward(
        self, compiler: Compiler, x: Memory, bias: Memory | None, top: Memory, relu: bool
    ) -> None:
        """Emits the forward pass."""
        assert self.forward is not None
        room = compiler.room(self.forward.size)
        compiler.emit(self.forward.call(room, x, self._held(compiler), bias, top, relu))

    def run_by_data(self, compiler: Compiler, dy: Memory, dx: Memory) -> None:
        """Emits the gradient by data."""
        assert self.by_data is not None
        room = compiler.room(self.by_data.size)
        compiler.emit(self.by_data.call(room, dy, self._held(compiler), None, dx))

    def run_by_weights(self, compiler: Compiler, x: Memory, dy: Memory, bias_learns: bool) -> None:
        """Emits the gradients by weights and bias, into the arena."""
        assert self.by_weights is not None
        bias = None
        if self._bias is not None and bias_learns:
            bias = compiler.parameter_gradient(self._bias)
        weights = compiler.parameter_gradient(self._weights)
        room = compiler.room(self.by_weights.size)
        compiler.emit(self.by_weights.call(room, x, dy, weights, bias))

    def _held(self, compiler: Compiler) -> Memory:
        return compiler.parameter(self._weights, Layout.plain(self._weights.shape))


def _applies(layer: Any, dtype: int) -> bool:
    """Whether it has such a kernel, stride 1, and no groups, and its channels fill registers."""
    geometry = layer.geometry
    maps, channels = layer.blobs[0].shape[:2]
    size = geometry.kernel[0]
    return (
        (size, dtype) in _MOST_PAIRS
        and _all(geometry.kernel, size)
        and _all(geometry.stride, 1)
        and _all(geometry.dilation, 1)
        and layer.group == 1
        and max(geometry.pad) < size
        and maps % _LANES == channels % _LANES == 0
    )


def _all(values: Sequence[int], value: int) -> bool:
    return all(each == value for each in values)


def _is_faster(shape: Shape) -> bool:
    return (
        min(shape.maps, shape.channels) >= _FEWEST_MAPS
        and _pairs(shape) <= _MOST_PAIRS[shape.kernel, shape.dtype]
        and shape.tiles >= _FEWEST_TILES
        and shape.work * shape.maps * shape.channels >= _LEAST_WORK
        and PLANES * shape.tiles <= _LARGEST_SHARE * shape.work
    )


def _pairs(shape: Shape) -> float:
    """Pairs of maps, each of which has weights to be transformed, for each tile."""
    return shape.maps * shape.channels / shape.tiles
