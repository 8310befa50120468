"""BatchNorm: zero mean and unit variance for each channel, over the batch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import TEST, NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.channels import as_maps, channel_mean, channelwise, column
from layers.kernels.scratch import scratch
from layers.registry import register_layer


@register_layer("BatchNorm")
class BatchNorm(NeuronLayer):
    """Normalizes each channel; a Scale layer after it adds what Ioffe & Szegedy call gamma, beta.

    Formula:    y = (x - mean) / s,   s = sqrt(var + eps)
    Derivative: dL/dx = (dL/dy - mean(dL/dy) - y mean(y dL/dy)) / s,
                or dL/dy / s with global statistics, which are constants

    mean and var (divided by m) are those of the channel's m values in the batch, or, with
    use_global_stats, the running ones. Each forward with batch statistics updates these, with
    f = moving_average_fraction: blobs[0] = f blobs[0] + mean, blobs[1] = f blobs[1] +
    m / (m - 1) var, blobs[2] = f blobs[2] + 1. The running values are blobs[0] and blobs[1]
    divided by blobs[2].

    Shapes: bottom (N, C, ...); top the same. Runs in place. blobs[0], blobs[1]: (C,);
    blobs[2]: (1,). No blob is trained.

    Parameters (batch_norm_param): use_global_stats (true in TEST); moving_average_fraction
    (0.999); eps (1e-5).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [4, 3, 2, 3] } } }
        layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }

    Source: Ioffe & Szegedy, ICML 2015; Caffe's BatchNorm.
    """

    frozen_params = True

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.batch_norm_param
        self.global_stats = (
            p.use_global_stats if p.HasField("use_global_stats") else (self.phase == TEST)
        )
        for index, param in enumerate(self.layer_param.param):
            if param.lr_mult != 0:
                raise self.error(
                    "cannot train its statistics",
                    got=f"lr_mult {param.lr_mult:g} for param {index}",
                    expected="lr_mult: 0, or no param at all",
                    hint="the trained scale and shift are those of a Scale layer after it",
                )
        channels = self._channels(bottom[0])
        for shape in ((channels,), (channels,), (1,)):
            self.add_blob(shape)
        self.normalized: Array = np.empty(0)
        self.deviation: Array = np.empty(0)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self._channels(bottom[0]) != self.blobs[0].count:
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the statistics',
                expected=f"{self.blobs[0].count} channels",
            )
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x, y = self.layer_param.batch_norm_param, as_maps(bottom[0].data), as_maps(top[0].data)
        if self.global_stats:
            total = self.blobs[2].data[0]
            scale = 1 / total if total else 0
            self.deviation = np.sqrt(self.blobs[1].data * x.dtype.type(scale) + x.dtype.type(p.eps))
            np.subtract(x, column(self.blobs[0].data * x.dtype.type(scale)), out=y)
            y /= column(self.deviation)
            return
        if self.normalized.shape != x.shape or self.normalized.dtype != x.dtype:
            self.normalized = np.empty_like(x)
        mean, variance = np.empty((2, x.shape[1]), x.dtype)
        self.deviation = np.empty_like(mean)

        def some(c: slice) -> None:
            mean[c] = channel_mean(x[:, c])
            np.subtract(x[:, c], column(mean[c]), out=y[:, c])
            variance[c] = channel_mean(np.multiply(y[:, c], y[:, c], out=self.normalized[:, c]))
            self.deviation[c] = np.sqrt(variance[c] + x.dtype.type(p.eps))
            np.divide(y[:, c], column(self.deviation[c]), out=y[:, c])
            # Kept, since layers that run in place on the top may change it.
            np.copyto(self.normalized[:, c], y[:, c])

        channelwise(some, x)
        self.update_statistics(mean, variance, x.size // max(1, x.shape[1]))

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        dy, dx = as_maps(top[0].diff), as_maps(bottom[0].diff)
        if self.global_stats:
            np.divide(dy, column(self.deviation), out=dx)
            return

        def some(c: slice) -> None:
            grads, unit = dy[:, c], self.normalized[:, c]
            product = scratch("product", grads.shape, dy.dtype)
            along = channel_mean(np.multiply(grads, unit, out=product))
            np.multiply(unit, column(along), out=product)
            product += column(channel_mean(grads))
            np.subtract(grads, product, out=product)
            np.divide(product, column(self.deviation[c]), out=dx[:, c])

        channelwise(some, dy)

    def update_statistics(self, mean: Array, variance: Array, m: int) -> None:
        """Moves the running statistics on."""
        fraction = self.layer_param.batch_norm_param.moving_average_fraction
        unbiased = m / (m - 1) if m > 1 else 1.0
        for blob, news in zip(self.blobs, (mean, unbiased * variance, 1), strict=True):
            blob.data *= fraction
            blob.data += news

    def _channels(self, blob: Blob) -> int:
        return blob.shape[self.axis(blob, 1)]
