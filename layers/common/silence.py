"""Silence: reads blobs and makes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Silence")
class Silence(Layer):
    """Keeps blobs that nothing else reads from being outputs of the net.

    Formula:    none
    Derivative: dL/dx = 0

    Shapes: bottoms, at least one, any; no tops.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3] } } }
        layer { name: "silence" type: "Silence" bottom: "data" }

    Source: Caffe's Silence.
    """

    min_bottom = 1
    exact_num_top = 0

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """There are no tops."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """There is nothing to compute."""

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        for blob, wanted in zip(bottom, propagate_down, strict=True):
            if wanted:
                blob.diff.fill(0)
