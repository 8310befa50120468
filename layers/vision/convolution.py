"""Convolution: each output map is the image correlated with one kernel, plus a bias."""

from __future__ import annotations

from collections.abc import Sequence

from layers.blob import Blob
from layers.registry import register_layer
from layers.vision.sliding import SlidingLayer


@register_layer("Convolution")
class Convolution(SlidingLayer):
    """N-dimensional convolution, in groups if wished.

    Formula:    y[o, i] = b[o] + sum over c, t of W[o, c, t] x[c, s i + d t - p]
                (stride s, dilation d, padding p; x is 0 outside the image)
    Derivative: dL/dx[c, j] = sum over o and i, t with s i + d t - p = j of W[o, c, t] dL/dy[o, i],
                dL/dW[o, c, t] = sum over i of dL/dy[o, i] x[c, s i + d t - p],
                dL/db[o] = sum over i of dL/dy[o, i]

    Shapes: bottom (N..., C, spatial...), C at ``axis``; top (N..., num_output, out...) with
    out = floor((n + 2p - d (k - 1) - 1) / s) + 1. Several bottoms of one shape give as many
    tops, by the same weights. blobs[0] is W: (num_output, C / group, kernel...);
    blobs[1] is b: (num_output,).

    Parameters (convolution_param): num_output; kernel_size, or kernel_h and kernel_w; stride
    (1), pad (0) and dilation (1), each once or once per axis, the first two also as _h and _w;
    group (1); bias_term (true); weight_filler; bias_filler; axis (1). force_nd_im2col and
    engine do not change the numbers.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 6, 5] } } }
        layer {
          name: "conv" type: "Convolution" bottom: "data" top: "conv"
          convolution_param {
            num_output: 6 kernel_size: 3 pad: 1 stride: 2 group: 2 weight_filler { type: "xavier" }
          }
        }

    Source: LeCun et al., Proc. IEEE 1998; Caffe's Convolution.
    """

    def weight_shape(self, channels: int) -> tuple[int, ...]:
        return (self.num_output, channels // self.group, *self.geometry.kernel)

    def out_lengths(self, lengths: Sequence[int]) -> tuple[int, ...]:
        return self.geometry.convolved(lengths)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        bias = self.blobs[1].data if len(self.blobs) > 1 else None
        for x, y in zip(bottom, top, strict=True):
            images, maps = self.images(x.data), self.images(y.data)
            self.convolver.forward(images, self.blobs[0].data, bias, maps)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        for x, y, wanted in zip(bottom, top, propagate_down, strict=True):
            images, maps = self.images(x.data), self.images(y.diff)
            self.bias_gradient(maps)
            if self.param_propagate_down[0]:
                self.convolver.weight_gradient(images, maps, self.blobs[0].diff)
            if wanted:
                self.convolver.data_gradient(maps, self.blobs[0].data, self.images(x.diff))
