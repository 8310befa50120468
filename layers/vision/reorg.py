"""Reorg: turns space into channels, as YOLO's passthrough does, and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Reorg")
class Reorg(Layer):
    """Rearranges s x s pixels as channels, in the order that darknet made customary.

    Formula:    with reverse: y[c, s h + a, s w + b] = x[(s a + b) C / s^2 + c, h, w];
                else the inverse rule, the numbers of x being read as if they were of shape
                (C / s^2, s H, s W), and those of y written as (C, H, W)
    Derivative: the gradients go back by the same rule

    Shapes: bottom (N, C, H, W); top (N, C s^2, H / s, W / s), or with reverse
    (N, C / s^2, s H, s W).

    Parameters (reorg_param): stride, which is s; reverse (false).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 2, 4] } } }
        layer { name: "reorg" type: "Reorg" bottom: "data" top: "reorg" reorg_param { stride: 2 } }

    Source: Redmon & Farhadi, YOLO9000, CVPR 2017; the Reorg layer of gklz1982/caffe-yolov2, which
    is darknet's. (That of choasup/caffe-yolo9000 uses the rule of reverse either way.)
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.reorg_param, bottom[0].shape
        if len(shape) != 4:
            raise self.error(
                f'bottom "{bottom[0].name}" must have 4 axes: images, channels, height, width',
                got=f"shape {shape}",
            )
        s = p.stride
        if s == 0 or shape[1] % (s * s) or (not p.reverse and (shape[2] % s or shape[3] % s)):
            raise self.error(
                f'stride does not divide bottom "{bottom[0].name}" of shape {shape}',
                got=f"reorg_param.stride {s}",
                expected="channels a multiple of its square, height and width of itself",
            )
        num, few, height, width = shape[0], shape[1] // (s * s), shape[2], shape[3]
        self.narrow = (num, s, s, few, height, width)
        self.wide = (num, few, height, s, width, s)
        if p.reverse:
            top[0].reshape(num, few, height * s, width * s)
        else:
            top[0].reshape(num, shape[1] * s * s, height // s, width // s)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._move(bottom[0].data, top[0].data, self.layer_param.reorg_param.reverse)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            self._move(top[0].diff, bottom[0].diff, not self.layer_param.reorg_param.reverse)

    def _move(self, source: Array, target: Array, widen: bool) -> None:
        """From narrow (n, a, b, c, h, w) to wide (n, c, h, a, w, b), or back."""
        if widen:
            moved = source.reshape(self.narrow).transpose(0, 3, 4, 1, 5, 2)
            np.copyto(target.reshape(self.wide), moved)
        else:
            moved = source.reshape(self.wide).transpose(0, 3, 5, 1, 2, 4)
            np.copyto(target.reshape(self.narrow), moved)
