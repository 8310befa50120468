"""Parameter: a learnable blob as a top."""

from __future__ import annotations

from collections.abc import Sequence

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer
from layers.source.shapes import shape_of


@register_layer("Parameter")
class Parameter(Layer):
    """A parameter that other layers read like any blob.

    Formula:    y = w
    Derivative: dL/dw = dL/dy

    Shapes: no bottoms; top as the config says, sharing the data of blobs[0], which is w.
    w begins at zero.

    Parameters (parameter_param): shape.

    Example::

        layer { name: "w" type: "Parameter" top: "w" parameter_param { shape { dim: [2, 3] } } }

    Source: Caffe's Parameter.
    """

    exact_num_bottom = 0
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = shape_of(self, self.layer_param.parameter_param.shape)
        self.add_blob(shape)
        top[0].reshape(*shape)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The top keeps its shape."""

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        # Only now: parameters move, to the net's arena or into another net's.
        top[0].share_data(self.blobs[0])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        # Added, not shared, so that the gradients of several passes add up here too.
        if self.param_propagate_down[0]:
            self.blobs[0].diff += top[0].diff
