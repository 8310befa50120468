"""Reshape: the same values under another shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layers.blob import Blob
from layers.common.view import ViewLayer
from layers.registry import register_layer


@register_layer("Reshape")
class Reshape(ViewLayer):
    """Replaces some of the axes, keeping the values and their order.

    Formula:    y = x, under another shape
    Derivative: dL/dx = dL/dy, under the bottom's shape

    Shapes: bottom any; top the bottom's axes before ``axis``, then ``shape``, then the
    bottom's axes after the ``num_axes`` replaced. The top shares the bottom's data and diff.

    Parameters (reshape_param): shape, where 0 stands for the bottom's length in that place and
    a single -1 for whatever is left; axis (0), the first axis to replace, -1 to add axes at
    the end; num_axes (-1: all from axis on), how many to replace, 0 to insert.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "reshape" type: "Reshape" bottom: "data" top: "reshape"
          reshape_param { shape { dim: [0, 2, -1] } }
        }

    Source: Caffe's Reshape.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._dims = [int(dim) for dim in self.layer_param.reshape_param.shape.dim]
        if any(dim < -1 for dim in self._dims) or self._dims.count(-1) > 1:
            raise self.error(
                "cannot make this shape", self._dims, "lengths, 0 to copy one, at most one -1"
            )

    def top_shape(self, bottom: Blob) -> tuple[int, ...]:
        first, end = self._replaced(bottom)
        before, after = bottom.shape[:first], bottom.shape[end:]
        middle = [
            self._copied(bottom, first + i) if dim == 0 else dim for i, dim in enumerate(self._dims)
        ]
        if -1 in middle:
            known = math.prod((*before, *after, *(dim for dim in middle if dim != -1)))
            if known == 0 or bottom.count % known:
                raise self._misfit(bottom, (*before, *middle, *after))
            middle[middle.index(-1)] = bottom.count // known
        shape = (*before, *middle, *after)
        if math.prod(shape) != bottom.count:
            raise self._misfit(bottom, shape)
        return shape

    def _replaced(self, bottom: Blob) -> tuple[int, int]:
        """The range of axes to replace; -1 as first means after the last."""
        p, axes = self.layer_param.reshape_param, bottom.num_axes
        first = p.axis if p.axis >= 0 else axes + p.axis + 1
        end = axes if p.num_axes == -1 else first + p.num_axes
        if not 0 <= first <= end <= axes:
            raise self.error(
                f'bottom "{bottom.name}" of shape {bottom.shape} has too few axes to replace',
                got=f"axis {p.axis}, num_axes {p.num_axes}",
            )
        return first, end

    def _copied(self, bottom: Blob, axis: int) -> int:
        if axis >= bottom.num_axes:
            raise self.error(
                f'bottom "{bottom.name}" of shape {bottom.shape} has no axis {axis} to copy',
                got=f"shape {self._dims}",
                hint="a 0 copies the length that stands in the same place",
            )
        return bottom.shape[axis]

    def _misfit(self, bottom: Blob, shape: tuple[int, ...]) -> Exception:
        return self.error(
            f'cannot give "{bottom.name}" another number of elements',
            got=f"shape {shape}",
            expected=f"{bottom.count} elements, as in {bottom.shape}",
        )
