"""Input: blobs that the caller fills."""

from __future__ import annotations

from collections.abc import Sequence

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer
from layers.source.shapes import one_or_each, shape_of


@register_layer("Input")
class Input(Layer):
    """Gives shapes to blobs whose values come from outside the net.

    Formula:    none; the caller writes ``net.blobs["data"].data``
    Derivative: none

    Shapes: no bottoms; tops, at least one, as the config says.

    Parameters (input_param): shape, once for all tops or once for each; without any, the
    caller has to reshape the tops.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }

    Source: Caffe's Input.
    """

    exact_num_bottom = 0
    min_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shapes = [shape_of(self, shape) for shape in self.layer_param.input_param.shape]
        if shapes:
            for blob, shape in zip(
                top, one_or_each(self, shapes, len(top), "input_param.shape"), strict=True
            ):
                blob.reshape(*shape)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The tops keep the shape that the caller gave them."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The values are there already."""
