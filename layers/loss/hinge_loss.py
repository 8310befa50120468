"""HingeLoss: L = sum max(0, 1 - t x) / N, with t = 1 for the label and -1 for the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_one_each
from layers.kernels.labels import read_labels, refuse_gradient
from layers.kernels.sample_weights import check_sample_weights, weigh
from layers.registry import register_layer


@register_layer("HingeLoss")
class HingeLoss(LossLayer):
    """One-against-all hinge loss, as in a linear support vector machine.

    Formula:    h_ik = max(0, 1 - t_ik x_ik), t_ik = 1 where k = label_i, else -1;
                L = sum w_i h_ik / N (norm L1) or sum w_i h_ik^2 / N (norm L2)
    Derivative: L1: dL/dx_ik = -w_i t_ik / N where h_ik > 0, else 0;
                L2: dL/dx_ik = -2 w_i t_ik h_ik / N

    Shapes: bottom 0 scores (N, ...), each sample's values being its classes; bottom 1 labels,
    N of them; bottom 2, if given, a weight w for each sample (1), without a gradient; top a
    scalar.

    Parameters (hinge_loss_param): norm (L1).

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 2] } } }
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
        layer {
          name: "loss" type: "HingeLoss" bottom: "score" bottom: "label" top: "loss"
          hinge_loss_param { norm: L2 }
        }

    Source: Caffe's HingeLoss.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 3

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        num = batch_size(self, bottom[0])
        check_one_each(self, bottom[1], num, "label")
        check_sample_weights(self, bottom, num)
        self._margin: Array = np.empty((num, bottom[0].count // num), self.context.dtype)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        h = self._margin
        np.copyto(h, bottom[0].data.reshape(h.shape))
        self._labels = read_labels(self, bottom[1], h.shape[1]).reshape(-1)
        self._negate_label(h)
        h += 1
        np.maximum(h, 0, out=h)
        p = self.layer_param.hinge_loss_param
        losses = h.copy() if p.norm == p.L1 else h * h
        top[0].data = weigh(losses, bottom).sum() / len(h)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if not propagate_down[0]:
            return
        h, dx = self._margin, bottom[0].diff.reshape(self._margin.shape)
        p, scale = self.layer_param.hinge_loss_param, float(top[0].diff) / len(h)
        if p.norm == p.L1:
            np.multiply(h > 0, dx.dtype.type(scale), out=dx)
        else:
            np.multiply(h, 2 * scale, out=dx)
        self._negate_label(weigh(dx, bottom))

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0

    def _negate_label(self, values: Array) -> None:
        """Multiplies by -t: the label's values change sign."""
        values[np.arange(len(values)), self._labels] *= -1
