"""Concat: the bottoms one after the other along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Concat")
class Concat(Layer):
    """Joins its bottoms along ``axis``.

    Formula:    y = [x_1, x_2, ...] along ``axis``
    Derivative: dL/dx_i = the part of dL/dy that x_i went to

    Shapes: bottoms equal but for ``axis``; top the same, its ``axis`` the sum of theirs.

    Parameters (concat_param): axis (1); concat_dim, its older name.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 1, 4] } } }
        layer { name: "concat" type: "Concat" bottom: "a" bottom: "b" top: "concat" }

    Source: Caffe's Concat.
    """

    min_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.concat_param
        if p.HasField("axis") and p.HasField("concat_dim"):
            raise self.error(
                "has both concat_param.axis and concat_param.concat_dim",
                hint="keep axis; concat_dim is its older name",
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.concat_param
        wanted = p.concat_dim if p.HasField("concat_dim") else p.axis
        axis = self._axis = self.axis(bottom[0], wanted)
        shape = list(bottom[0].shape)
        for blob in bottom[1:]:
            other = list(blob.shape)
            if len(other) != len(shape) or (
                other[:axis] + other[axis + 1 :] != shape[:axis] + shape[axis + 1 :]
            ):
                raise self.error(
                    f'"{blob.name}" cannot be joined to "{bottom[0].name}" along axis {axis}',
                    got=f"{blob.shape} and {bottom[0].shape}",
                    expected=f"shapes that differ in axis {axis} only",
                )
        shape[axis] = sum(blob.shape[axis] for blob in bottom)
        top[0].reshape(*shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        np.concatenate([blob.data for blob in bottom], axis=self._axis, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        ends = list(accumulate(blob.shape[self._axis] for blob in bottom))
        parts = np.split(top[0].diff, ends[:-1], axis=self._axis)
        for blob, wanted, part in zip(bottom, propagate_down, parts, strict=True):
            if wanted:
                np.copyto(blob.diff, part)
