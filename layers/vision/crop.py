"""Crop: cuts one blob to the size of another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Crop")
class Crop(Layer):
    """Cuts the first bottom to the lengths of the second, from ``axis`` on.

    Formula:    y[i] = x[i + offset]
    Derivative: dL/dx[i + offset] = dL/dy[i], 0 outside the part that is kept; none for the
                second bottom, of which only the shape counts

    Shapes: bottom 0 any; bottom 1 of as many axes; top has bottom 0's lengths before ``axis``
    and bottom 1's from there on.

    Parameters (crop_param): axis (2); offset, one for all axes or one for each (0).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 2, 5, 6] } } }
        layer { name: "size" type: "Input" top: "size" input_param { shape { dim: [2, 1, 3, 4] } } }
        layer {
          name: "crop" type: "Crop" bottom: "data" bottom: "size" top: "crop"
          crop_param { axis: 2 offset: 1 }
        }

    Source: Long et al., CVPR 2015; Caffe's Crop.
    """

    exact_num_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.crop_param
        axes = bottom[0].num_axes - self.axis(bottom[0], p.axis)
        if len(p.offset) > 1 and len(p.offset) != axes:
            raise self.error(
                "needs one crop_param.offset, or one for each axis that is cropped",
                got=f"{len(p.offset)} offsets",
                expected=f"1 or {axes}",
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, (x, size) = self.layer_param.crop_param, bottom
        first = self.axis(x, p.axis)
        if x.num_axes != size.num_axes:
            raise self.error("both bottoms need as many axes", got=f"{x.shape} and {size.shape}")
        offsets = list(p.offset) or [0]
        if len(offsets) == 1:
            offsets *= x.num_axes - first
        if len(offsets) != x.num_axes - first:
            raise self.error(
                f'has {len(offsets)} offsets, which do not fit "{x.name}"', got=f"shape {x.shape}"
            )
        kept = [slice(None)] * first
        for axis, offset in enumerate(offsets, first):
            if offset + size.shape[axis] > x.shape[axis]:
                raise self.error(
                    f'reaches beyond the end of axis {axis} of "{x.name}"',
                    got=f"offset {offset} and length {size.shape[axis]}",
                    expected=f"at most {x.shape[axis]} together",
                )
            kept.append(slice(offset, offset + size.shape[axis]))
        self.kept = tuple(kept)
        top[0].reshape(*x.shape[:first], *size.shape[first:])

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.copyto(top[0].data, bottom[0].data[self.kept])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            bottom[0].diff.fill(0)
            bottom[0].diff[self.kept] = top[0].diff
        if propagate_down[1]:
            bottom[1].diff.fill(0)
