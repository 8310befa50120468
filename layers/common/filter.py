"""Filter: the samples that a selector lets through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.kernels.labels import refuse_gradient
from layers.registry import register_layer


@register_layer("Filter")
class Filter(Layer):
    """Drops the samples for which the last bottom, the selector, is 0.

    Formula:    y = x[selector != 0], for every bottom but the last
    Derivative: dL/dx = dL/dy for samples let through, 0 for the others

    Shapes: bottoms (N, ...), and the selector (N,) or (N, 1, ...); one top for each bottom but
    the last: (M, ...), M the number of samples let through, which forward finds out.

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [4, 3] } } }
        layer { name: "pick" type: "Input" top: "pick" input_param { shape { dim: 4 } } }
        layer { name: "filter" type: "Filter" bottom: "data" bottom: "pick" top: "kept" }

    Source: Caffe's Filter.
    """

    min_bottom = 2
    min_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if len(top) != len(bottom) - 1:
            raise self.error(
                "needs one top for each bottom but the selector", len(top), len(bottom) - 1
            )

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        selector = bottom[-1]
        if selector.num_axes == 0 or selector.count != selector.shape[0]:
            raise self.error(
                f'selector "{selector.name}" must hold one value for each sample',
                got=f"shape {selector.shape}",
                expected="a first axis, and no other longer than 1",
            )
        for blob, out in zip(bottom[:-1], top, strict=True):
            if blob.shape[:1] != selector.shape[:1]:
                raise self.error(
                    f'"{blob.name}" and selector "{selector.name}" must agree in the first axis',
                    got=f"{blob.shape} and {selector.shape}",
                )
            out.reshape(*blob.shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._kept = np.flatnonzero(bottom[-1].data)
        for blob, out in zip(bottom[:-1], top, strict=True):
            out.reshape(len(self._kept), *blob.shape[1:])
            np.take(blob.data, self._kept, axis=0, out=out.data, mode="clip")

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        for blob, wanted, out in zip(bottom[:-1], propagate_down, top, strict=False):
            if wanted:
                blob.diff.fill(0)
                blob.diff[self._kept] = out.diff

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != len(self.layer_param.bottom) - 1
