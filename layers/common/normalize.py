"""Normalize: divides by the L2 norm, and scales each channel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.channels import as_maps, channel_sum, column
from layers.registry import register_layer


@register_layer("Normalize")
class Normalize(Layer):
    """Gives each image, or each pixel's channels, the same length.

    Formula:    y = w u,   u = x / n,   n = sqrt(eps + sum of x^2)
    Derivative: dL/du = w dL/dy,   dL/dx = (dL/du - u sum(u dL/du)) / n,   dL/dw = sum of u dL/dy

    The sums are over a whole image with across_spatial, else over the channels of each pixel.

    Shapes: bottom (N, C, ...); top the same. blobs[0] is w: (C,), or a scalar with
    channel_shared.

    Parameters (norm_param): across_spatial (true); channel_shared (true); eps (1e-10);
    scale_filler (constant 1).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 2, 4] } } }
        layer {
          name: "norm" type: "Normalize" bottom: "data" top: "norm"
          norm_param { across_spatial: false channel_shared: false scale_filler { value: 20 } }
        }

    Source: Liu et al., ParseNet, arXiv 1506.04579; the Normalize layer of weiliu89/caffe.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.norm_param
        channels = bottom[0].shape[self.axis(bottom[0], 1)]
        blob = self.add_blob(
            () if p.channel_shared else (channels,),
            p.scale_filler if p.HasField("scale_filler") else None,
        )
        if not p.HasField("scale_filler"):
            blob.data.fill(1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        channels = bottom[0].shape[self.axis(bottom[0], 1)]
        if self.blobs[0].count not in (1, channels) or (
            self.blobs[0].count == 1
            and not self.layer_param.norm_param.channel_shared
            and channels != 1
        ):
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the scale',
                expected=f"{self.blobs[0].count} channels",
            )
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x = self.layer_param.norm_param, as_maps(bottom[0].data)
        norm = self._sum(x * x)
        norm += x.dtype.type(p.eps)
        self.norm: Array = np.sqrt(norm, out=norm)
        self.unit: Array = x / self.norm
        np.multiply(self.unit, column(self.blobs[0].data), out=as_maps(top[0].data))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dy, scale = as_maps(top[0].diff), self.blobs[0]
        if self.param_propagate_down[0]:
            along = channel_sum(dy * self.unit)
            scale.diff += along if scale.count > 1 else along.sum()
        if propagate_down[0]:
            du = dy * column(scale.data)
            du -= self.unit * self._sum(self.unit * du)
            np.divide(du, self.norm, out=as_maps(bottom[0].diff))

    def _sum(self, maps: Array) -> Array:
        """Sums over images (N, 1, 1), or over channels (N, 1, pixels)."""
        axes = (1, 2) if self.layer_param.norm_param.across_spatial else (1,)
        return maps.sum(axis=axes, keepdims=True)
