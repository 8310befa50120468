"""BatchReindex: samples picked, repeated and put in another order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.kernels.batch import batch_size
from layers.kernels.labels import read_labels, refuse_gradient
from layers.kernels.scatter import add_rows
from layers.registry import register_layer


@register_layer("BatchReindex")
class BatchReindex(Layer):
    """Selects from the first axis by index.

    Formula:    y_i = x[index_i]
    Derivative: dL/dx_j = sum of dL/dy_i over all i with index_i = j

    Shapes: bottom 0 (N, ...); bottom 1 the indices, (M,), whole numbers below N;
    top (M, ...).

    Parameters: none.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3] } } }
        layer { name: "index" type: "Input" top: "index" input_param { shape { dim: 4 } } }
        layer { name: "pick" type: "BatchReindex" bottom: "data" bottom: "index" top: "pick" }

    Source: Caffe's BatchReindex.
    """

    exact_num_bottom = 2
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._num = batch_size(self, bottom[0])
        if bottom[1].num_axes != 1:
            raise self.error(
                f'bottom "{bottom[1].name}" must be a list of indices',
                got=f"shape {bottom[1].shape}",
                expected="one axis",
            )
        top[0].reshape(*bottom[1].shape, *bottom[0].shape[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._index = read_labels(self, bottom[1], self._num, what="index")
        # The indices are known to be good; "clip" lets take write straight into out.
        np.take(bottom[0].data, self._index, axis=0, out=top[0].data, mode="clip")

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if propagate_down[0]:
            bottom[0].diff.fill(0)
            dx = bottom[0].diff.reshape(self._num, -1)
            add_rows(dx, self._index, top[0].diff.reshape(len(self._index), dx.shape[1]))

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != 1
