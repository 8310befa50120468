"""DepthwiseConvolution: a Convolution with one group for each channel."""

from __future__ import annotations

from layers.registry import register_layer
from layers.vision.convolution import Convolution


@register_layer("DepthwiseConvolution")
class DepthwiseConvolution(Convolution):
    """Convolution in which each channel has kernels of its own.

    Formula:    y[m c + o, i] = b[m c + o] + sum over t of W[m c + o, t] x[c, s i + d t - p],
                with m = num_output / C maps for each channel
    Derivative: as Convolution's with group: C

    Shapes: as Convolution's; blobs[0] is W: (num_output, 1, kernel...).

    Parameters (convolution_param): as Convolution's; group is C where it is not given.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 5, 4] } } }
        layer {
          name: "dw" type: "DepthwiseConvolution" bottom: "data" top: "dw"
          convolution_param {
            num_output: 3 kernel_size: 3 pad: 1 stride: 2 weight_filler { type: "xavier" }
          }
        }

    Source: Howard et al., MobileNets, arXiv 1704.04861; the layer of
    yonghenglh6/DepthwiseConvolution, whose files give group.
    """

    def maps_and_groups(self, channels: int) -> tuple[int, int]:
        p = self.layer_param.convolution_param
        return p.num_output, p.group if p.HasField("group") else channels
