"""Slice: the bottom cut into several tops along an axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Slice")
class Slice(Layer):
    """Cuts its bottom along ``axis``, into equal parts or at the points given.

    Formula:    y_i = x[p_(i-1) : p_i] along ``axis``, with p_0 = 0
    Derivative: dL/dx = [dL/dy_1, dL/dy_2, ...] along ``axis``

    Shapes: bottom any; tops the same but for ``axis``.

    Parameters (slice_param): axis (1); slice_dim, its older name; slice_point, where each part
    but the first begins, one fewer than tops (none: equal parts).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 5, 3] } } }
        layer {
          name: "slice" type: "Slice" bottom: "data" top: "a" top: "b"
          slice_param { slice_point: 2 }
        }

    Source: Caffe's Slice.
    """

    exact_num_bottom = 1
    min_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.slice_param
        if p.HasField("axis") and p.HasField("slice_dim"):
            raise self.error(
                "has both slice_param.axis and slice_param.slice_dim",
                hint="keep axis; slice_dim is its older name",
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.slice_param
        wanted = p.slice_dim if p.HasField("slice_dim") else p.axis
        axis = self._axis = self.axis(bottom[0], wanted)
        length = bottom[0].shape[axis]
        self._points = self._cuts(length, len(top))
        edges = [0, *self._points, length]
        for blob, begin, end in zip(top, edges[:-1], edges[1:], strict=True):
            blob.reshape(*bottom[0].shape[:axis], end - begin, *bottom[0].shape[axis + 1 :])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        parts = np.split(bottom[0].data, self._points, axis=self._axis)
        for blob, part in zip(top, parts, strict=True):
            np.copyto(blob.data, part)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            np.concatenate([blob.diff for blob in top], axis=self._axis, out=bottom[0].diff)

    def _cuts(self, length: int, parts: int) -> list[int]:
        """Where every part but the first begins."""
        points = [int(point) for point in self.layer_param.slice_param.slice_point]
        if not points:
            if length % parts:
                raise self.error(
                    f"cannot cut {length} along axis {self._axis} into {parts} equal tops",
                    hint="give slice_point",
                )
            return [length // parts * i for i in range(1, parts)]
        if len(points) != parts - 1:
            raise self.error(
                "has the wrong number of slice_points",
                len(points),
                f"{parts - 1}: one fewer than tops",
            )
        if sorted(set(points)) != points or points[0] < 1 or points[-1] >= length:
            raise self.error(
                "has slice_points that do not cut the axis",
                got=points,
                expected=f"rising numbers from 1 to {length - 1}",
            )
        return points
