"""Deconvolution: the transpose of Convolution; spreads each pixel by the kernels."""

from __future__ import annotations

from collections.abc import Sequence

from layers.blob import Blob
from layers.kernels.convolver import choose
from layers.registry import register_layer
from layers.vision.sliding import SlidingLayer


@register_layer("Deconvolution")
class Deconvolution(SlidingLayer):
    """N-dimensional transposed convolution, in groups if wished.

    Formula:    y[o, j] = b[o] + sum over c and i, t with s i + d t - p = j of W[c, o, t] x[c, i]
                (stride s, dilation d, padding p)
    Derivative: dL/dx[c, i] = sum over o, t of W[c, o, t] dL/dy[o, s i + d t - p],
                dL/dW[c, o, t] = sum over i of x[c, i] dL/dy[o, s i + d t - p],
                dL/db[o] = sum over j of dL/dy[o, j]

    Shapes: bottom (N..., C, spatial...), C at ``axis``; top (N..., num_output, out...) with
    out = s (n - 1) + d (k - 1) + 1 - 2p. Several bottoms of one shape give as many tops, by the
    same weights. blobs[0] is W: (C, num_output / group, kernel...); blobs[1] is b: (num_output,).

    Parameters (convolution_param): as Convolution's; with kernel_size 2f - f % 2, stride f,
    pad ceil((f - 1) / 2), group = num_output = C and a bilinear filler it enlarges f times.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 3, 2] } } }
        layer {
          name: "up" type: "Deconvolution" bottom: "data" top: "up"
          convolution_param {
            num_output: 6 kernel_size: 4 pad: 1 stride: 2 group: 2 weight_filler { type: "xavier" }
          }
        }

    Source: Zeiler et al., CVPR 2010; Caffe's Deconvolution.
    """

    def weight_shape(self, channels: int) -> tuple[int, ...]:
        return (channels, self.num_output // self.group, *self.geometry.kernel)

    def out_lengths(self, lengths: Sequence[int]) -> tuple[int, ...]:
        return self.geometry.deconvolved(lengths)

    def _prepare(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        # A convolution from the top to the bottom, of which forward is the data gradient.
        self.convolver = choose(outputs, self.blobs[0].shape, self.group, self.geometry)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for x, y in zip(bottom, top, strict=True):
            self.convolver.data_gradient(
                self.images(x.data), self.blobs[0].data, self.images(y.data)
            )
            if len(self.blobs) > 1:
                y.data += self.blobs[1].data.reshape(-1, *(1 for _ in self.geometry.kernel))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        for x, y, wanted in zip(bottom, top, propagate_down, strict=True):
            images, maps = self.images(x.data), self.images(y.diff)
            self.bias_gradient(maps)
            if wanted:
                self.convolver.forward(maps, self.blobs[0].data, None, self.images(x.diff))
            if self.param_propagate_down[0]:
                self.convolver.weight_gradient(maps, images, self.blobs[0].diff)
