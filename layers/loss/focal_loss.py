"""FocalLoss: L = -alpha sum_i (1 - p_i)^gamma log p_i / Z, with p_i = softmax(x_i)[label_i]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Array, Blob
from layers.kernels.labels import refuse_gradient
from layers.loss.softmax_loss import SoftmaxLossLayer, log
from layers.registry import register_layer


@register_layer("FocalLoss")
class FocalLoss(SoftmaxLossLayer):
    """Cross entropy in which samples that are already right count for little.

    Formula:    p = softmax(x), q_i = p_i[label_i];   L = -a sum_i (1 - q_i)^g log q_i / Z
                (a = alpha, g = gamma)
    Derivative: dL/dx_ik = c_i (1 - p_ik) / Z where k = label_i, else -c_i p_ik / Z, with
                c_i = a (g q_i (1 - q_i)^(g - 1) log q_i - (1 - q_i)^g);
                0 where the label is ignored

    Shapes: bottom 0 scores (outer..., classes, inner...); bottom 1 labels, one for each
    prediction; top 0 the loss, a scalar; top 1, if wanted, p.

    Parameters (focal_loss_param): gamma (2), 0 for plain cross entropy; alpha (0.25).
    softmax_param.axis and loss_param's ignore_label, normalization and normalize as in
    SoftmaxWithLoss.

    Example::

        layer { name: "score" type: "Input" top: "score" input_param { shape { dim: [4, 2, 3] } } }
        layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [4, 3] } } }
        layer {
          name: "loss" type: "FocalLoss" bottom: "score" bottom: "label" top: "loss"
          focal_loss_param { gamma: 1.5 alpha: 1 }
        }

    Source: Lin et al., ICCV 2017, with softmax in place of sigmoids.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.focal_loss_param
        if p.gamma < 0:
            raise self.error("cannot focus so", f"gamma: {p.gamma:g}", "0 or more")

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.predict(bottom, top)
        p, likely = self.layer_param.focal_loss_param, self.pick(self.prob)
        missing, likelihood = 1 - likely, log(likely)
        focus = missing**p.gamma
        # missing^(gamma - 1), but 0 at 0, where the derivative vanishes with log(1) = 0.
        steeper = np.divide(focus, missing, out=np.zeros_like(focus), where=missing > 0)
        self._pull: Array = p.alpha * (p.gamma * likely * steeper * likelihood - focus)
        losses = p.alpha * focus * likelihood
        self.clear_ignored(losses)
        self.clear_ignored(self._pull)
        top[0].data = -losses.sum() / self.divisor

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        if not propagate_down[0]:
            return
        dx, pull = bottom[0].diff, self._pull * (float(top[0].diff) / self.divisor)
        np.multiply(self.prob, -pull, out=dx)
        self.put(dx, self.pick(dx) + pull)
