"""ConvolutionDepthwise: one kernel for each channel, without num_output or group."""

from __future__ import annotations

from layers.registry import register_layer
from layers.vision.convolution import Convolution


@register_layer("ConvolutionDepthwise")
class ConvolutionDepthwise(Convolution):
    """Convolution of each channel with one kernel of its own.

    Formula:    y[c, i] = b[c] + sum over t of W[c, t] x[c, s i + d t - p]
    Derivative: as Convolution's with group: C

    Shapes: as Convolution's with num_output = C; blobs[0] is W: (C, 1, kernel...).

    Parameters (convolution_param): as Convolution's; group does not count, and num_output, if
    given, must be C.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 5, 4] } } }
        layer {
          name: "dw" type: "ConvolutionDepthwise" bottom: "data" top: "dw"
          convolution_param { kernel_size: 3 pad: 1 weight_filler { type: "xavier" } }
        }

    Source: Howard et al., MobileNets, arXiv 1704.04861; the ConvolutionDepthwise layer that forks
    such as lyxok1/Tiny-DSOD share. (It does not read num_output.)
    """

    def maps_and_groups(self, channels: int) -> tuple[int, int]:
        p = self.layer_param.convolution_param
        if p.num_output not in (0, channels):
            raise self.error(
                "makes one map for each channel",
                got=f"num_output {p.num_output}",
                expected=f"{channels}, or none",
            )
        return channels, channels
