"""Im2col: the windows of an image as columns, the form in which convolution is a product."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.geometry import check_fits, read_geometry
from layers.kernels.im2col import col2im, im2col
from layers.registry import register_layer


@register_layer("Im2col")
class Im2col(Layer):
    """Lays each window of the image out along the channel axis.

    Formula:    y[c k + t, i] = x[c, s i + d t - p]     (k taps t a window, row-major)
    Derivative: dL/dx[c, j] = sum of dL/dy[c k + t, i] over all i, t with s i + d t - p = j

    Shapes: bottom (N..., C, spatial...), C at ``axis``; top (N..., C k, out...) with
    out = floor((n + 2p - d (k - 1) - 1) / s) + 1.

    Parameters (convolution_param): kernel_size, stride, pad, dilation and axis, as Convolution's.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 2, 5, 4] } } }
        layer {
          name: "col" type: "Im2col" bottom: "data" top: "col"
          convolution_param { kernel_size: 3 pad: 1 stride: 2 }
        }

    Source: Chellapilla et al., IWFHR 2006; Caffe's Im2col.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        axis = self.axis(bottom[0], self.layer_param.convolution_param.axis)
        self.geometry = read_geometry(self, bottom[0], axis + 1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        axis = self.axis(bottom[0], self.layer_param.convolution_param.axis)
        if len(shape) - axis - 1 != len(self.geometry.kernel):
            raise self.error(
                f'bottom "{bottom[0].name}" has another number of spatial axes than at setup',
                got=f"shape {shape}",
                expected=f"{len(self.geometry.kernel)} spatial axes",
            )
        lengths = self.geometry.convolved(shape[axis + 1 :])
        check_fits(self, self.geometry, bottom[0], lengths)
        self.images = (math.prod(shape[:axis]), *shape[axis:])
        channels = shape[axis] * math.prod(self.geometry.kernel)
        self.columns = (self.images[0], channels, *lengths)
        top[0].reshape(*shape[:axis], *self.columns[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        columns = im2col(bottom[0].data.reshape(self.images), self.geometry)
        np.copyto(top[0].data.reshape(self.columns), columns)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            images: Array = bottom[0].diff.reshape(self.images)
            col2im(top[0].diff.reshape(self.columns), self.geometry, images)
