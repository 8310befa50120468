"""Embed: a learnt vector for each index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.kernels.labels import read_labels, refuse_gradient
from layers.kernels.scatter import add_rows
from layers.registry import register_layer


@register_layer("Embed")
class Embed(Layer):
    """Looks up rows of a matrix; an InnerProduct of one-hot vectors, without making them.

    Formula:    y_i = W[index_i] + b
    Derivative: dL/dW[j] = sum of dL/dy_i over all i with index_i = j;   dL/db = sum of dL/dy_i;
                none for the indices

    Shapes: bottom any, whole numbers from 0 to input_dim - 1; top (bottom..., num_output).
    blobs[0] is W: (input_dim, num_output); blobs[1] is b: (num_output,).

    Parameters (embed_param): num_output, input_dim, both needed; bias_term (true);
    weight_filler; bias_filler.

    Example::

        layer { name: "word" type: "Input" top: "word" input_param { shape { dim: [2, 3] } } }
        layer {
          name: "embed" type: "Embed" bottom: "word" top: "embed"
          embed_param { num_output: 4 input_dim: 3 weight_filler { type: "xavier" } }
        }

    Source: Caffe's Embed.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.embed_param
        for field in ("num_output", "input_dim"):
            if getattr(p, field) == 0:
                raise self.error(f"needs embed_param.{field} above 0")
        self.add_blob((p.input_dim, p.num_output), p.weight_filler)
        if p.bias_term:
            self.add_blob((p.num_output,), p.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape(*bottom[0].shape, self.layer_param.embed_param.num_output)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        weights, y = self.blobs[0].data, top[0].data
        self._index = read_labels(self, bottom[0], len(weights), what="index")
        # The indices are known to be good; "clip" lets take write straight into out.
        np.take(weights, self._index, axis=0, out=y, mode="clip")
        if len(self.blobs) > 1:
            y += self.blobs[1].data

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        dy = top[0].diff.reshape(-1, top[0].shape[-1])
        if self.param_propagate_down[0]:
            add_rows(self.blobs[0].diff, self._index.reshape(-1), dy)
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            self.blobs[1].diff += dy.sum(axis=0)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return False
