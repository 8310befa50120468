"""InfogainLoss: L = -sum_i sum_k H[label_i, k] log softmax(x_i)[k] / Z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Array, Blob
from layers.kernels.labels import refuse_gradient
from layers.loss.softmax_loss import SoftmaxLossLayer
from layers.registry import register_layer

SMALLEST = 1e-20  # below it a probability counts as this much


@register_layer("InfogainLoss")
class InfogainLoss(SoftmaxLossLayer):
    """Cross entropy weighted by a matrix of what each prediction is worth for each label.

    Formula:    p = softmax(x);   L = -sum_i sum_k H[label_i, k] log p_ik / Z
    Derivative: dL/dx_ik = (p_ik sum_j H[label_i, j] - H[label_i, k]) / Z; 0 where the label is
                ignored

    Shapes: bottom 0 scores (outer..., classes, inner...); bottom 1 labels, one for each
    prediction; bottom 2, if given, H, of classes x classes elements, without a gradient.
    Top 0 the loss, a scalar; top 1, if wanted, p. H = I makes it SoftmaxWithLoss.

    Parameters (infogain_loss_param): source, a binaryproto file that holds H, where there are
    two bottoms; axis (1), the axis of the classes. loss_param: ignore_label, normalization and
    normalize as in SoftmaxWithLoss.

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 2] } } }
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: 4 } } }
        layer { name: "H" type: "Input" top: "H" input_param { shape { dim: [2, 2] } } }
        layer {
          name: "loss" type: "InfogainLoss" bottom: "score" bottom: "label" bottom: "H"
          top: "loss"
        }

    Source: Caffe's InfogainLoss.
    """

    exact_num_bottom = None  # type: ignore[assignment]
    min_bottom = 2
    max_bottom = 3

    def wanted_axis(self) -> int:
        return self.layer_param.infogain_loss_param.axis

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._from_file: Array | None = None
        if len(bottom) < 3:
            source = self.layer_param.infogain_loss_param.source
            if not source:
                raise self.error(
                    "needs its matrix H", hint="set infogain_loss_param.source, or add a bottom"
                )
            self._from_file = self.context.read_blob(source)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        classes = bottom[0].shape[self.class_axis]
        shape = bottom[2].shape if self._from_file is None else self._from_file.shape
        if np.prod(shape) != classes**2:
            raise self.error(
                "has a matrix H that does not fit the classes",
                got=f"shape {shape}",
                expected=f"{classes} x {classes} elements",
            )
        self._classes = classes

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.predict(bottom, top)
        matrix = bottom[2].data if self._from_file is None else self._from_file
        matrix = matrix.reshape(self._classes, self._classes).astype(self.prob.dtype, copy=False)
        rows = matrix[np.squeeze(self.labels, self.class_axis)]
        self._rows: Array = np.moveaxis(rows, -1, self.class_axis)
        gains = np.log(np.maximum(self.prob, SMALLEST))
        gains *= self._rows
        self.clear_ignored(gains)
        top[0].data = -gains.sum() / self.divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if not propagate_down[0]:
            return
        dx = bottom[0].diff
        np.multiply(self.prob, self._rows.sum(axis=self.class_axis, keepdims=True), out=dx)
        dx -= self._rows
        dx *= float(top[0].diff) / self.divisor
        self.clear_ignored(dx)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index == 0
