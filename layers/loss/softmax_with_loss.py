"""SoftmaxWithLoss: L = -sum_i w_i log softmax(x_i)[label_i] / Z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Array, Blob
from layers.kernels.labels import refuse_gradient
from layers.loss.softmax_loss import SoftmaxLossLayer, log
from layers.registry import register_layer


@register_layer("SoftmaxWithLoss")
class SoftmaxWithLoss(SoftmaxLossLayer):
    """Cross entropy between the softmax of scores and labels.

    Formula:    p = softmax(x);   L = -sum_i w_i sum_k t_ik log p_ik / Z, with t_ik = 1 - e where
                k = label_i, else e / (classes - 1); e = label_smoothing, 0 by default
    Derivative: dL/dx_i = w_i (p_i - t_i) / Z; 0 where the label is ignored

    Shapes: bottom 0 scores (outer..., classes, inner...); bottom 1 labels, one for each
    prediction; bottom 2, if given, a weight for each label, without a gradient. Top 0 the
    loss, a scalar; top 1, if wanted, p. (Caffe checks its inner Softmax against the same
    loss_weights, so there two tops fail.)

    Parameters: softmax_param.axis (1), the axis of the classes. loss_param: ignore_label
    (none); normalization (VALID), what Z counts: FULL all labels, VALID those not ignored,
    BATCH_SIZE the first axis, NONE 1; normalize, its older form: true is VALID, false
    BATCH_SIZE; label_smoothing (0); class_weighting, a weight for each class (1), unless
    weight_by_label_freqs is set to false. w_i is the product of the weights that are given.

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 2, 3] } } }
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [4, 3] } } }
        layer {
          name: "loss" type: "SoftmaxWithLoss" bottom: "score" bottom: "label" top: "loss"
          loss_param { normalization: BATCH_SIZE }
        }

    Source: Caffe's SoftmaxWithLoss; smoothing: Szegedy et al., CVPR 2016; class weights: SegNet.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 3

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        classes = bottom[0].shape[self.class_axis]
        self._class_weights = self._checked_class_weights(classes)
        if len(bottom) > 2 and bottom[2].count != bottom[1].count:
            raise self.error(
                f'bottom "{bottom[2].name}" must hold a weight for each label',
                got=f"shape {bottom[2].shape}",
                expected=f"{bottom[1].count} weights",
            )
        share = self.layer_param.loss_param.label_smoothing
        if not 0 <= share < 1 or (share and classes == 1):
            raise self.error(
                "cannot smooth its labels so", f"label_smoothing {share:g}, {classes} classes"
            )
        self._off = share / (classes - 1) if share else 0.0
        self._on = 1 - share - self._off

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.predict(bottom, top)
        likelihood = log(self.pick(self.prob))
        if self._off:
            likelihood *= self._on
            likelihood += self._off * log(self.prob).sum(axis=self.class_axis, keepdims=True)
        self.clear_ignored(likelihood)
        self._weights = self._sample_weights(bottom)
        if self._weights is not None:
            likelihood *= self._weights
        top[0].data = -likelihood.sum() / self.divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if not propagate_down[0]:
            return
        dx = bottom[0].diff
        np.subtract(self.prob, self._off, out=dx)
        self.put(dx, self.pick(dx) - self._on)
        dx *= float(top[0].diff) / self.divisor
        if self._weights is not None:
            dx *= self._weights
        self.clear_ignored(dx)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0

    def _checked_class_weights(self, classes: int) -> Array | None:
        p = self.layer_param.loss_param
        wanted = p.weight_by_label_freqs if p.HasField("weight_by_label_freqs") else None
        if wanted is False or not (wanted or p.class_weighting):
            return None
        if len(p.class_weighting) != classes:
            raise self.error(
                "needs a class_weighting for each class", len(p.class_weighting), classes
            )
        return np.array(p.class_weighting, self.context.dtype)

    def _sample_weights(self, bottom: Sequence[Blob]) -> Array | None:
        """The weight of each label, or None where all are 1."""
        weights = None if self._class_weights is None else self._class_weights[self.labels]
        if len(bottom) < 3:
            return weights
        given = bottom[2].data.reshape(self.labels.shape)
        return given if weights is None else weights * given
