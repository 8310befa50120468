"""ArgMax: where the largest values are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("ArgMax")
class ArgMax(Layer):
    """Finds the k largest values, of each sample or along an axis.

    Formula:    y_j = the index of the j-th largest value; of equal ones the later comes first
    Derivative: none

    Shapes: bottom any. Without ``axis``: all axes but the first are searched together; top
    (N, 1, k), or (N, 2, k) with out_max_val: indices, then values; further axes of 1 follow
    where the bottom has more than three. With ``axis``: top as the bottom, with k along it:
    indices, or values with out_max_val.

    Parameters (argmax_param): top_k (1); out_max_val (false); axis (none).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "best" type: "ArgMax" bottom: "data" top: "best"
          argmax_param { axis: 1 top_k: 2 }
        }

    Source: Caffe's ArgMax.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.argmax_param, bottom[0].shape
        if p.HasField("axis"):
            self._axis = self.axis(bottom[0], p.axis)
            top_shape = (*shape[: self._axis], p.top_k, *shape[self._axis + 1 :])
            self._searched = shape
        else:
            self.axis(bottom[0], 0)
            self._axis = 1
            self._searched = (shape[0], math.prod(shape[1:]))
            planes = 2 if p.out_max_val else 1
            top_shape = (shape[0], planes, p.top_k, *(1,) * (len(shape) - 3))
        candidates = self._searched[self._axis]
        if not 1 <= p.top_k <= candidates:
            raise self.error("cannot find so many", f"top_k: {p.top_k}", f"1 to {candidates}")
        top[0].reshape(*top_shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x = self.layer_param.argmax_param, bottom[0].data.reshape(self._searched)
        best = self._best(x, p.top_k)
        if not p.out_max_val:
            top[0].data = best.reshape(top[0].shape)
        elif p.HasField("axis"):
            top[0].data = np.take_along_axis(x, best, self._axis)
        else:
            pairs = np.stack([best, np.take_along_axis(x, best, self._axis)], axis=1)
            top[0].data = pairs.reshape(top[0].shape)

    def _best(self, x: Array, k: int) -> Array:
        """Indices of the k largest along the axis, the largest first."""
        last = x.shape[self._axis] - 1
        backwards = np.flip(x, self._axis)  # so that of equal values the later is met first
        if k == 1:
            return last - backwards.argmax(axis=self._axis, keepdims=True)
        order = np.argsort(-backwards, axis=self._axis, kind="stable")
        return last - order.take(range(k), axis=self._axis)
