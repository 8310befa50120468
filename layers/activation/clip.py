"""Clip: y = min(max(x, min), max)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.activation.kept_input import KeptInputLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Clip")
class Clip(KeptInputLayer):
    """Keeps values between two bounds.

    Formula:    y = min(max(x, a), b)      (a = min, b = max)
    Derivative: dL/dx = dL/dy where a <= x <= b, else 0

    Shapes: bottom any; top the same. Runs in place.

    Parameters (clip_param): min, max; both needed.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "clip" type: "Clip" bottom: "data" top: "clip" clip_param { min: -1 max: 1 } }

    Source: Caffe's Clip.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.clip_param
        if not (p.HasField("min") and p.HasField("max")):
            raise self.error("needs both clip_param.min and clip_param.max")
        if p.min > p.max:
            raise self.error("has its bounds the wrong way round", f"min {p.min:g}, max {p.max:g}")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.clip_param
        np.clip(self.keep(bottom, top), p.min, p.max, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        p, x = self.layer_param.clip_param, self.kept(bottom, top)
        np.multiply(top[0].diff, (x >= p.min) & (x <= p.max), out=bottom[0].diff)
