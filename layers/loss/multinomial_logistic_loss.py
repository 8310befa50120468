"""MultinomialLogisticLoss: L = -sum_i log p_i[label_i] / N."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_one_each
from layers.kernels.labels import read_labels, refuse_gradient
from layers.registry import register_layer

SMALLEST = 1e-20


@register_layer("MultinomialLogisticLoss")
class MultinomialLogisticLoss(LossLayer):
    """Cross entropy of probabilities; SoftmaxWithLoss does the same from scores, and better.

    Formula:    L = -sum_i log p_i[label_i] / N
    Derivative: dL/dp_i[label_i] = -1 / (N p_i[label_i]); 0 elsewhere, and where the label's
                probability is below 1e-20, which counts as 1e-20

    Shapes: bottom 0 probabilities (N, ...), each sample's values being its classes; bottom 1
    labels, N of them; top a scalar.

    Parameters: none.

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 3] } } }
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
        layer { name: "prob" type: "Sigmoid" bottom: "score" top: "prob" }
        layer {
          name: "loss" type: "MultinomialLogisticLoss" bottom: "prob" bottom: "label" top: "loss"
        }

    Source: Caffe's MultinomialLogisticLoss.
    """

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._num = batch_size(self, bottom[0])
        check_one_each(self, bottom[1], self._num, "label")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        prob = bottom[0].data.reshape(self._num, -1)
        labels = read_labels(self, bottom[1], prob.shape[1]).reshape(-1)
        self._place = np.arange(self._num), labels
        self._picked: Array = prob[self._place]
        top[0].data = -np.log(np.maximum(self._picked, SMALLEST)).sum() / self._num

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if propagate_down[0]:
            bottom[0].diff.fill(0)
            dx = bottom[0].diff.reshape(self._num, -1)
            slopes = -float(top[0].diff) / self._num / np.maximum(self._picked, SMALLEST)
            dx[self._place] = np.where(self._picked >= SMALLEST, slopes, 0)
