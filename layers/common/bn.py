"""BN: batch normalization with its scale and shift in one layer (PSPNet's and SegNet's)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from layers.base import TRAIN, Layer
from layers.blob import Array, Blob
from layers.kernels.channels import as_maps, channel_mean, channel_sum, column
from layers.registry import register_layer


@register_layer("BN")
class BN(Layer):
    """Normalizes each channel, then scales and shifts it.

    Formula:    y = w u + b,   u = (x - mean) / s,   s = sqrt(var + eps)
    Derivative: dL/dw = sum of u dL/dy,   dL/db = sum of dL/dy,
                dL/dx = w (dL/dy - mean(dL/dy) - u mean(u dL/dy)) / s,
                or w dL/dy / s with averages, which are constants

    In phase TRAIN, unless frozen, mean and var are the batch's (var divided by m), and the
    averages move: average = f average + (1 - f) news, f = momentum. Else they are the averages.
    With frozen, w and b are not trained either.
    SegNet's variant, chosen by scale_filler, shift_filler or bn_mode, keeps no averages: LEARN
    always uses the batch's, and INFERENCE computes y = w x + b.

    Shapes: bottom (N, C, ...); top the same. blobs w, b and, save in SegNet's variant, average
    mean (zeros) and average var (zeros; frozen: ones), which are not trained: (1, C, 1, 1) each.

    Parameters (bn_param): slope_filler or scale_filler (constant 1; in the forks 0, which lets
    nothing through); bias_filler or shift_filler; momentum (0.9); eps (1e-5, in SegNet's variant
    1e-9); frozen (false); bn_mode (LEARN).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [3, 2, 2, 3] } } }
        layer { name: "bn" type: "BN" bottom: "data" top: "bn" }

    Source: Ioffe & Szegedy, ICML 2015; the BN layers of hszhao/PSPNet and, as its variant, of
    alexgkendall/caffe-segnet (whose further tops, mean and variance, are not made).
    """

    runs_in_place = True

    exact_num_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.bn_param
        self.segnet = any(p.HasField(f) for f in ("scale_filler", "shift_filler", "bn_mode"))
        self.plain = p.bn_mode == p.INFERENCE
        self.batch = self.segnet or (self.phase == TRAIN and not p.frozen)
        self.eps = 1e-9 if self.segnet and not p.HasField("eps") else p.eps
        shape = (1, bottom[0].shape[self.axis(bottom[0], 1)], 1, 1)
        self._add(shape, "slope_filler" if p.HasField("slope_filler") else "scale_filler", 1.0)
        self._add(shape, "bias_filler" if p.HasField("bias_filler") else "shift_filler", 0.0)
        if not self.segnet:
            self.add_blob(shape)
            self.add_blob(shape).data.fill(1 if p.frozen else 0)
            self._freeze(0 if p.frozen else 2)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].shape[self.axis(bottom[0], 1)] != self.blobs[0].count:
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the scale',
                expected=f"{self.blobs[0].count} channels",
            )
        top[0].reshape(*bottom[0].shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = as_maps(bottom[0].data), as_maps(top[0].data)
        weights, bias = (column(blob.data) for blob in self.blobs[:2])
        # The deviation, and u, are kept: layers in place on the top may change y.
        self.deviation: Array = np.ones_like(weights)
        self.unit: Array = x.copy()
        if not self.plain:
            mean, variance = self._statistics(x)
            self.unit -= column(mean)
            self.deviation = np.sqrt(column(variance) + x.dtype.type(self.eps))
            self.unit /= self.deviation
        np.multiply(self.unit, weights, out=y)
        y += bias

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dy, (weights, bias) = as_maps(top[0].diff), self.blobs[:2]
        dw, db = channel_sum(dy * self.unit), channel_sum(dy)
        if self.param_propagate_down[0]:
            weights.diff += dw.reshape(weights.shape)
        if self.param_propagate_down[1]:
            bias.diff += db.reshape(bias.shape)
        if not propagate_down[0]:
            return
        dx = as_maps(bottom[0].diff)
        if self.batch and not self.plain:
            count = max(1, dy.shape[0] * dy.shape[2])
            dy = dy - column(db / count) - self.unit * column(dw / count)
        np.multiply(dy, column(weights.data) / self.deviation, out=dx)

    def _statistics(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance to normalize by; moves the averages on where they are the batch's."""
        if not self.batch:
            return self.blobs[2].data, self.blobs[3].data
        mean = channel_mean(x)
        centred = x - column(mean)
        variance = channel_mean(np.multiply(centred, centred, out=centred))
        fraction = self.layer_param.bn_param.momentum
        for blob, news in zip(self.blobs[2:], (mean, variance), strict=False):
            blob.data *= fraction
            blob.data += (1 - fraction) * news.reshape(blob.shape)
        return mean, variance

    def _add(self, shape: tuple[int, ...], field: str, default: float) -> None:
        """A parameter, filled as the field says or with the default."""
        p: Any = self.layer_param.bn_param
        given = p.HasField(field)
        blob = self.add_blob(shape, getattr(p, field) if given else None)
        if not given:
            blob.data.fill(default)

    def _freeze(self, first: int) -> None:
        """Takes rate and decay from the parameters from ``first`` on, whatever the config says."""
        params = self.layer_param.param
        while len(params) < len(self.blobs):
            params.add()
        for param in params[first:]:
            param.lr_mult = param.decay_mult = 0
