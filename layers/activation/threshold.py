"""Threshold: y = 1 where x > threshold, else 0."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Threshold")
class Threshold(NeuronLayer):
    """Tells values above a threshold from the others.

    Formula:    y = 1 where x > t, else 0      (t = threshold)
    Derivative: none

    Shapes: bottom any; top the same. Runs in place.

    Parameters (threshold_param): threshold, 0 by default.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "above" type: "Threshold" bottom: "data" top: "above"
          threshold_param { threshold: 0.5 }
        }

    Source: Caffe's Threshold.
    """

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.greater(bottom[0].data, self.layer_param.threshold_param.threshold, out=top[0].data)
