"""Flatten: several axes joined into one."""

from __future__ import annotations

import math

from layers.blob import Blob
from layers.common.view import ViewLayer
from layers.registry import register_layer


@register_layer("Flatten")
class Flatten(ViewLayer):
    """Joins the axes from ``axis`` to ``end_axis`` into one.

    Formula:    y = x, under another shape
    Derivative: dL/dx = dL/dy, under the bottom's shape

    Shapes: bottom (outer..., joined..., inner...); top (outer..., product of joined, inner...),
    sharing the bottom's data and diff. An end_axis just before axis inserts an axis of 1.

    Parameters (flatten_param): axis (1), the first axis to join; end_axis (-1), the last.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "flat" type: "Flatten" bottom: "data" top: "flat" }

    Source: Caffe's Flatten.
    """

    def top_shape(self, bottom: Blob) -> tuple[int, ...]:
        p = self.layer_param.flatten_param
        first = self.axis(bottom, p.axis)
        last = self.axis(bottom, p.end_axis, "end_axis")
        if last < first - 1:
            raise self.error(
                f'bottom "{bottom.name}" of shape {bottom.shape} has no axes to join',
                got=f"axis {first}, end_axis {last}",
                expected="end_axis at or after axis",
            )
        shape = bottom.shape
        return (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
