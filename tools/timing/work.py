"""How much arithmetic the layers of a net do: the matrix products, by which they are compared."""

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
    products = _products(node)
    directions = any(node.layer.param_propagate_down[:1]) + any(node.propagate_down)
    return Work(2 * products, 2 * products * directions if node.need_backward else 0)


def _products(node: Node) -> int:
    """Products in a forward pass, which the gradient by weights and that by inputs repeat."""
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


def _turned(node: Node) -> bool:
    return bool(node.layer.layer_param.inner_product_param.transpose)
