"""SigmoidCrossEntropyLoss: L = -sum (t log s(x) + (1 - t) log(1 - s(x))) / Z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_same_size
from layers.kernels.labels import ignored_label, refuse_gradient
from layers.kernels.normalizer import normalizer
from layers.kernels.sample_weights import check_sample_weights, weigh
from layers.registry import register_layer


@register_layer("SigmoidCrossEntropyLoss")
class SigmoidCrossEntropyLoss(LossLayer):
    """Cross entropy of independent yes-or-no answers, from scores.

    Formula:    s = 1 / (1 + exp(-x));   L = -sum w (t log s + (1 - t) log(1 - s)) / Z
                = sum w (max(x, 0) - x t + log(1 + exp(-|x|))) / Z
    Derivative: dL/dx = w (s - t) / Z; 0 where t is the ignored label

    Shapes: bottom 0 scores x, bottom 1 targets t between 0 and 1, both (N, ...) and of as many
    elements; bottom 2, if given, a weight w for each of the N (1), without a gradient; top a
    scalar.

    Parameters (loss_param): ignore_label (none); normalization (BATCH_SIZE), what Z counts:
    FULL all elements, VALID those not ignored, BATCH_SIZE the first axis, NONE 1; normalize,
    its older form: true is VALID, false BATCH_SIZE.

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 3] } } }
        layer { name: "truth" type: "Input" top: "truth" input_param { shape { dim: [4, 3] } } }
        layer {
          name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "score" bottom: "truth" top: "loss"
        }

    Source: Caffe's SigmoidCrossEntropyLoss.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 3

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        batch_size(self, bottom[0])
        check_same_size(self, bottom[0], bottom[1])
        check_sample_weights(self, bottom, bottom[0].shape[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        # The second form: exp cannot overflow.
        x, t = bottom[0].data, bottom[1].data.reshape(bottom[0].shape)
        losses = np.abs(x)
        np.negative(losses, out=losses)
        np.log1p(np.exp(losses, out=losses), out=losses)
        losses += np.maximum(x, 0)
        losses -= x * t
        ignore = ignored_label(self.layer_param.loss_param)
        # A target is ignored when its whole part is the label, as in Caffe.
        self._ignored: Array | None = None if ignore is None else np.trunc(t) == ignore
        valid = losses.size
        if self._ignored is not None:
            losses[self._ignored] = 0
            valid -= int(np.count_nonzero(self._ignored))
        self._divisor = normalizer(
            self.layer_param.loss_param, "BATCH_SIZE", losses.size, valid, len(x)
        )
        top[0].data = weigh(losses, bottom).sum() / self._divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if not propagate_down[0]:
            return
        dx = bottom[0].diff
        np.multiply(bottom[0].data, 0.5, out=dx)
        np.tanh(dx, out=dx)
        dx += 1
        dx *= 0.5
        dx -= bottom[1].data.reshape(dx.shape)
        dx *= float(top[0].diff) / self._divisor
        weigh(dx, bottom)
        if self._ignored is not None:
            dx[self._ignored] = 0

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0
