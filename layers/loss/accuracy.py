"""Accuracy: the share of samples whose label is among the best predictions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.labels import check_label_count, ignored_label, read_labels
from layers.registry import register_layer


@register_layer("Accuracy")
class Accuracy(Layer):
    """Counts predictions that put the true label among the top k.

    Formula:    A = |{i : fewer than k other classes score as much as label_i, or more}| / n,
                n the labels that are not ignored (A = 0 without any). A tie for the last
                place counts as wrong, and so do a score of NaN and a label that names no class.
    Derivative: none

    Shapes: bottom 0 scores (outer..., classes, inner...); bottom 1 labels, one for each
    prediction; top 0 a scalar; top 1, if wanted, (classes,): the accuracy on each class, 0
    for a class that does not occur.

    Parameters (accuracy_param): top_k (1); axis (1), the axis of the classes;
    ignore_label (none).

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 3] } } }
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
        layer { name: "accuracy" type: "Accuracy" bottom: "score" bottom: "label" top: "accuracy" }

    Source: Caffe's Accuracy.
    """

    exact_num_bottom = 2
    min_top = 1
    max_top = 2

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.accuracy_param
        self._axis = self.axis(bottom[0], p.axis)
        classes = bottom[0].shape[self._axis]
        if not 1 <= p.top_k <= classes:
            raise self.error(
                "cannot look at this many classes", f"top_k: {p.top_k}", f"1 to {classes}"
            )
        check_label_count(self, bottom[1], bottom[0].shape, self._axis)
        top[0].reshape()
        if len(top) > 1:
            top[1].reshape(classes)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        scores, axis, p = bottom[0].data, self._axis, self.layer_param.accuracy_param
        classes, ignore = scores.shape[axis], ignored_label(p)
        labels = read_labels(self, bottom[1], classes, ignore, above=True)
        labels = labels.reshape(*scores.shape[:axis], 1, *scores.shape[axis + 1 :])
        known = (labels >= 0) & (labels < classes)
        true_score = np.take_along_axis(scores, np.where(known, labels, 0), axis)
        # "Not lower" rather than "at least as high": with NaN every class is in the way.
        rivals = np.count_nonzero(~(scores < true_score), axis=axis, keepdims=True) - 1
        right = (rivals < p.top_k) & known
        counted = np.ones(labels.shape, bool) if ignore is None else labels != ignore
        right &= counted
        top[0].data = right.sum() / max(1, np.count_nonzero(counted))
        if len(top) > 1:
            top[1].data = per_class(labels[counted & known], right[counted & known], classes)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != 1


def per_class(labels: Array, right: Array, classes: int) -> Array:
    """The share of right answers for each label; 0 where a label does not occur."""
    occurring = np.bincount(labels, minlength=classes)
    return np.bincount(labels, weights=right, minlength=classes) / np.maximum(occurring, 1)
