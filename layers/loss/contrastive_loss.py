"""ContrastiveLoss: pulls like pairs together and pushes unlike pairs apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.batch import batch_size, check_one_each, check_same_size
from layers.kernels.labels import read_labels, refuse_gradient
from layers.registry import register_layer


@register_layer("ContrastiveLoss")
class ContrastiveLoss(LossLayer):
    """The distance of like pairs, and how much unlike pairs fall short of a margin.

    Formula:    d_i = |a_i - b_i|;   L = sum_i (s_i d_i^2 + (1 - s_i) max(m - d_i, 0)^2) / 2N;
                with legacy_version the second term is max(m - d_i^2, 0)      (m = margin)
    Derivative: dL/da_i = c_i (a_i - b_i) / N, dL/db_i = -dL/da_i, with c_i = 1 where s_i = 1,
                else -(m - d_i) / (d_i + 0.0001) (legacy: -1), or 0 where the margin is kept

    Shapes: bottoms 0 and 1 a and b (N, C), or (N, C, 1, 1); bottom 2 s, N of them: 1 for a like
    pair, 0 for an unlike one; top a scalar.

    Parameters (contrastive_loss_param): margin (1); legacy_version (false).

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [4, 3] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [4, 3] } } }
        layer { name: "like" type: "Input" top: "like" input_param { shape { dim: 4 } } }
        layer {
          name: "loss" type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "like" top: "loss"
          contrastive_loss_param { margin: 20 legacy_version: true }
        }

    Source: Hadsell et al., CVPR 2006; Caffe's ContrastiveLoss.
    """

    exact_num_bottom = 3

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self._num = batch_size(self, bottom[0])
        check_same_size(self, bottom[0], bottom[1])
        check_one_each(self, bottom[2], self._num, "0 or 1")
        for blob in bottom[:2]:
            if blob.num_axes < 2 or blob.count != self._num * blob.shape[1]:
                raise self.error(
                    f'bottom "{blob.name}" must hold one vector for each sample',
                    got=f"shape {blob.shape}",
                    expected="(N, C) or (N, C, 1, 1)",
                    hint="a Flatten layer makes it so",
                )

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.contrastive_loss_param
        a, b = (blob.data.reshape(self._num, -1) for blob in bottom[:2])
        like = read_labels(self, bottom[2], 2).reshape(-1).astype(bool)
        self._difference: Array = a - b
        square = np.einsum("ij,ij->i", self._difference, self._difference)
        if p.legacy_version:
            short = np.maximum(p.margin - square, 0)
            losses, pull = short, np.where(short > 0, -1.0, 0.0)
        else:
            distance = np.sqrt(square)
            short = np.maximum(p.margin - distance, 0)
            losses, pull = np.square(short), -short / (distance + 1e-4)
        self._pull: Array = np.where(like, 1.0, pull).astype(a.dtype)
        top[0].data = np.where(like, square, losses).sum() / (2 * self._num)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        refuse_gradient(self, bottom, propagate_down)
        for blob, wanted, sign in zip(bottom, propagate_down, (1, -1, 0), strict=True):
            if wanted:
                scale = sign * float(top[0].diff) / self._num * self._pull
                dx = blob.diff.reshape(self._difference.shape)
                np.multiply(self._difference, scale[:, None], out=dx)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != 2
