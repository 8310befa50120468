"""ShuffleChannel: mixes the channels of groups, as ShuffleNet does."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("ShuffleChannel")
class ShuffleChannel(Layer):
    """Takes one channel of each group in turn.

    Formula:    y[j G + g] = x[g C / G + j]     (G = group, C channels)
    Derivative: dL/dx[g C / G + j] = dL/dy[j G + g]

    Shapes: bottom (N, C, ...); top the same.

    Parameters (shuffle_channel_param): group (1), which divides C.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 6, 2, 3] } } }
        layer {
          name: "shuffle" type: "ShuffleChannel" bottom: "data" top: "shuffle"
          shuffle_channel_param { group: 3 }
        }

    Source: Zhang et al., ShuffleNet, CVPR 2018; the ShuffleChannel layer of farmingyard/ShuffleNet.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        group, shape = self.layer_param.shuffle_channel_param.group, bottom[0].shape
        channels = shape[self.axis(bottom[0], 1)]
        if group == 0 or channels % group:
            raise self.error(
                "channels must be a multiple of shuffle_channel_param.group",
                got=f"{channels} channels, group {group}",
            )
        self.grouped = (shape[0], group, channels // group, math.prod(shape[2:]))
        self.mixed = (shape[0], channels // group, group, math.prod(shape[2:]))
        top[0].reshape(*shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        groups = bottom[0].data.reshape(self.grouped)
        np.copyto(top[0].data.reshape(self.mixed), groups.swapaxes(1, 2))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            mixed = top[0].diff.reshape(self.mixed)
            np.copyto(bottom[0].diff.reshape(self.grouped), mixed.swapaxes(1, 2))
