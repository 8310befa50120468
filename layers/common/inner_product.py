"""InnerProduct: y = x W^T + b, the fully connected layer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.product import add_product, multiply
from layers.registry import register_layer


@register_layer("InnerProduct")
class InnerProduct(Layer):
    """Fully connected layer.

    Formula:    y = x W^T + b      (y = x W + b with transpose)
    Derivative: dL/dx = dL/dy W,   dL/dW = (dL/dy)^T x,   dL/db = sum over rows of dL/dy

    Shapes: bottom (outer..., inner...), split at ``axis``; top (outer..., num_output).
    blobs[0] is W: (num_output, K), or (K, num_output) with transpose, where K is the product
    of the inner axes; blobs[1] is b: (num_output,).

    Parameters (inner_product_param): num_output; bias_term (true); weight_filler; bias_filler;
    axis (1), the first of the axes that are multiplied away; transpose (false).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
          inner_product_param { num_output: 5 weight_filler { type: "xavier" } }
        }

    Source: Caffe's InnerProduct.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.inner_product_param
        if p.num_output == 0:
            raise self.error("needs inner_product_param.num_output above 0")
        first = self.axis(bottom[0], p.axis)
        inputs = math.prod(bottom[0].shape[first:])
        if inputs == 0:
            raise self.error(f'bottom "{bottom[0].name}" has no inputs', f"shape {bottom[0].shape}")
        shape = (inputs, p.num_output) if p.transpose else (p.num_output, inputs)
        self.add_blob(shape, p.weight_filler)
        if p.bias_term:
            self.add_blob((p.num_output,), p.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.inner_product_param
        first = self.axis(bottom[0], p.axis)
        inputs = math.prod(bottom[0].shape[first:])
        expected = self.blobs[0].shape[0 if p.transpose else 1]
        if inputs != expected:
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the weights',
                got=f"{inputs} inputs",
                expected=f"{expected}, for weights of shape {self.blobs[0].shape}",
            )
        top[0].reshape(*bottom[0].shape[:first], p.num_output)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = self._rows(bottom[0].data), top[0].data.reshape(-1, top[0].shape[-1])
        multiply(x, self._weights().T, y)
        if len(self.blobs) > 1:
            y += self.blobs[1].data

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dy, x = top[0].diff.reshape(-1, top[0].shape[-1]), self._rows(bottom[0].data)
        if self.param_propagate_down[0]:
            transpose = self.layer_param.inner_product_param.transpose
            left, right = (x.T, dy) if transpose else (dy.T, x)
            add_product(left, right, self.blobs[0].diff)
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            self.blobs[1].diff += dy.sum(axis=0)
        if propagate_down[0]:
            multiply(dy, self._weights(), self._rows(bottom[0].diff))

    def _weights(self) -> Array:
        """W as (num_output, K), however it is stored."""
        weights = self.blobs[0].data
        return weights.T if self.layer_param.inner_product_param.transpose else weights

    def _rows(self, array: Array) -> Array:
        """The array as a matrix of one row an outer index."""
        inputs = self.blobs[0].shape[0 if self.layer_param.inner_product_param.transpose else 1]
        return array.reshape(-1, inputs)
