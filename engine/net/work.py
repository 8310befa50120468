"""How much the layers of a net compute and hold: matrix products, and bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.net.gradient_flow import Node


@dataclass(frozen=True)
class Work:
    """Floating-point operations of one pass; a product and its sum are two."""

    forward: int
    backward: int


def work_of(node: Node) -> Work:
    """The products of convolutions, inner products and recurrent layers; of others none."""
    products = multiply_adds(node)
    directions = any(node.layer.param_propagate_down[:1]) + any(node.propagate_down)
    return Work(2 * products, 2 * products * directions if node.need_backward else 0)


def multiply_adds(node: Node) -> int:
    """Products, each with a sum, in a forward pass of a layer.

    Those of convolutions, inner products and recurrent layers; of others none. The gradient by
    the weights takes as many again, and so does that by the inputs.
    """
    layer = node.layer
    if not layer.blobs or not node.bottom:
        return 0
    weights, kind = layer.blobs[0], layer.type
    if kind.endswith("onvolution") or kind == "ConvolutionDepthwise":
        # Each weight meets each pixel of its map once; Deconvolution is the transpose.
        pixels = node.bottom if kind == "Deconvolution" else node.top
        axis = layer.layer_param.convolution_param.axis % pixels[0].num_axes
        places = sum(blob.count // blob.shape[axis] for blob in pixels)
        return weights.count * places
    if kind == "InnerProduct":
        return weights.count * (
            node.bottom[0].count // weights.shape[-1 if not _turned(node) else 0]
        )
    if kind in ("LSTM", "RNN"):
        steps = math.prod(node.bottom[0].shape[:2])
        return steps * sum(blob.count for blob in layer.blobs if blob.num_axes == 2)
    return 0


def top_bytes(node: Node) -> int:
    """Bytes of a layer's tops: Splits share those of their bottom, and layers in place theirs."""
    if node.layer.type == "Split":
        return 0
    own = [blob for blob in node.top if all(blob is not other for other in node.bottom)]
    return sum(blob.count * blob.dtype.itemsize for blob in own)


def param_bytes(node: Node) -> int:
    """Bytes of a layer's parameters."""
    return sum(blob.count * blob.dtype.itemsize for blob in node.layer.blobs)


def _turned(node: Node) -> bool:
    return bool(node.layer.layer_param.inner_product_param.transpose)
