"""LRN: local response normalization, across channels or within each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.pool import WindowAxis, sum_pool
from layers.kernels.scratch import scratch
from layers.kernels.threads import share
from layers.registry import register_layer

# Operations for each element, about.
_COST = 10


@register_layer("LRN")
class LRN(NeuronLayer):
    """Divides each value by a power of the energy around it.

    Formula:    y = x s^-beta,   s = k + alpha / n * sum of x'^2 over the window around x
    Derivative: dL/dx = s^-beta dL/dy
                - 2 alpha beta / n * x * sum over the window of dL/dy' x' s'^(-beta-1)

    The window is local_size channels at the same pixel (n = local_size), or local_size x
    local_size pixels of the same channel (n = local_size^2; k is then always 1). It reads zeros
    beyond the border, and n counts them.

    Shapes: bottom (N, C, H, W); top the same.

    Parameters (lrn_param): local_size (5), odd; alpha (1); beta (0.75); k (1); norm_region
    (ACROSS_CHANNELS), or WITHIN_CHANNEL.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 6, 3, 4] } } }
        layer {
          name: "norm" type: "LRN" bottom: "data" top: "norm"
          lrn_param { local_size: 3 alpha: 0.5 }
        }

    Source: Krizhevsky et al., NIPS 2012, section 3.3; Caffe's LRN.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.lrn_param
        if p.local_size % 2 == 0:
            raise self.error("needs an odd lrn_param.local_size", got=p.local_size)
        self.within = p.norm_region == p.WITHIN_CHANNEL
        self.scale: Array = np.empty(0)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].num_axes != 4:
            raise self.error(
                f'bottom "{bottom[0].name}" must have 4 axes: images, channels, height, width',
                got=f"shape {bottom[0].shape}",
            )
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x, y = self.layer_param.lrn_param, bottom[0].data, top[0].data
        if self.scale.shape != x.shape or self.scale.dtype != x.dtype:
            self.scale = np.empty_like(x)

        def some(images: slice) -> None:
            for image, scale, out in zip(x[images], self.scale[images], y[images], strict=True):
                self._window_sum(image * image, scale)
                scale *= self._alpha()
                scale += 1 if self.within else p.k
                np.multiply(image, _power(scale, -p.beta), out=out)

        share(some, len(x), _COST * x.size)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        p, in_place = self.layer_param.lrn_param, top[0] is bottom[0]
        arrays = (bottom[0].data, self.scale, top[0].diff, bottom[0].diff)

        def some(images: slice) -> None:
            for x, scale, dy, dx in zip(*(array[images] for array in arrays), strict=True):
                shrink = _power(scale, -p.beta)
                image = x / shrink if in_place else x
                direct = dy * shrink
                around = scratch("around", x.shape, x.dtype)
                self._window_sum(direct * image / scale, around)
                around *= image
                around *= 2 * p.beta * self._alpha()
                np.subtract(direct, around, out=dx)

        share(some, len(arrays[0]), _COST * arrays[0].size)

    def _alpha(self) -> float:
        """alpha, divided by the size of the window."""
        p = self.layer_param.lrn_param
        return p.alpha / (p.local_size**2 if self.within else p.local_size)

    def _window_sum(self, values: Array, out: Array) -> None:
        """Sums of the windows of one image (C, H, W); the window is its own adjoint."""
        size = self.layer_param.lrn_param.local_size
        half = size // 2
        if self.within:
            rows, columns = (WindowAxis(n, size, 1, half) for n in values.shape[1:])
            sum_pool(values[None], rows, columns, out[None])
            return
        np.copyto(out, values)
        for distance in range(1, min(half, len(values) - 1) + 1):
            out[distance:] += values[:-distance]
            out[:-distance] += values[distance:]


def _power(base: Array, exponent: float) -> Array:
    """base ** exponent; the common -3/4 by square roots, which are several times faster."""
    if exponent == -0.75:
        root = np.sqrt(base)
        root *= np.sqrt(root)
        return np.divide(1, root, out=root)
    return base**exponent
