"""Pooling: the maximum, the average or a random draw of each window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import TRAIN, Layer
from layers.blob import Array, Blob
from layers.kernels.max_pool import max_pool, max_pool_back
from layers.kernels.pool import spread, sum_pool, tap_indices
from layers.kernels.stochastic_pool import draw, mean_gradient, weighted_mean
from layers.registry import register_layer
from layers.vision.pooling_shape import window_axes


@register_layer("Pooling")
class Pooling(Layer):
    """Pools windows of an image, channel by channel.

    Formula:    MAX: y = max of the window;   AVE: y = sum of the window / its area
                STOCHASTIC: y = x[t] with probability x[t] / sum x in TRAIN,
                y = sum x^2 / sum x in TEST (for x >= 0)
    Derivative: MAX, STOCHASTIC in TRAIN: dL/dx[t] = sum of dL/dy over the windows that chose t;
                AVE: sum of dL/dy / area over the windows t lies in;
                STOCHASTIC in TEST: sum of dL/dy (2 x[t] - y) / sum x

    The last window may reach beyond the image and is clipped; padding never is a maximum. The
    area of AVE counts padding, but nothing beyond it. The first of equal maxima is chosen.

    Shapes: bottom (N, C, H, W); top (N, C, H', W') with H' = ceil((H + 2p - k) / s) + 1, less 1
    if with padding the last window would start beyond the image. A second top of MAX is the
    index in the H x W plane of what was chosen, -1 in an empty window.

    Parameters (pooling_param): pool (MAX); kernel_size, or kernel_h and kernel_w; stride (1)
    and pad (0), also as _h and _w; global_pooling (false): the window is the image; round_mode
    (CEIL), or FLOOR.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 6, 5] } } }
        layer {
          name: "pool" type: "Pooling" bottom: "data" top: "pool"
          pooling_param { pool: AVE kernel_size: 3 stride: 2 }
        }

    Source: Caffe's Pooling; STOCHASTIC: Zeiler & Fergus, ICLR 2013.
    """

    exact_num_bottom = 1
    min_top = 1
    max_top = 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.pooling_param
        if len(top) > 1 and p.pool != p.MAX:
            raise self.error("only MAX pooling has a second top (the indices of the maxima)")
        self.kept: Array = np.empty(0)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.rows, self.columns = window_axes(self, bottom[0])
        for blob in top:
            blob.reshape(*bottom[0].shape[:2], self.rows.out, self.columns.out)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x, y = self.layer_param.pooling_param, bottom[0].data, top[0].data
        axes = self.rows, self.columns
        if p.pool == p.MAX:
            wanted = self.phase == TRAIN or len(top) > 1
            max_pool(x, *axes, y, self._taps(y) if wanted else None)
            if len(top) > 1:
                np.copyto(top[1].data, tap_indices(self.kept, *axes), casting="unsafe")
        elif p.pool == p.AVE:
            sum_pool(x, *axes, y)
            y /= self._areas(y)
        elif self.phase == TRAIN:
            draw(x, *axes, self.context.rng.random(y.shape), y, self._taps(y))
        else:
            weighted_mean(x, *axes, y)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        p, x, dx, dy = self.layer_param.pooling_param, bottom[0].data, bottom[0].diff, top[0].diff
        axes = self.rows, self.columns
        if p.pool == p.AVE:
            spread(dy / self._areas(dy), *axes, dx)
        elif p.pool == p.STOCHASTIC and self.phase != TRAIN:
            mean_gradient(x, dy, *axes, dx)
        else:
            if self.phase != TRAIN and len(top) == 1:
                max_pool(x, *axes, np.empty_like(dy), self._taps(dy))
            max_pool_back(dy, self.kept, *axes, dx)

    def _taps(self, y: Array) -> Array:
        """Where forward notes which tap of each window it chose."""
        count = self.rows.kernel * self.columns.kernel
        dtype = np.uint8 if count < 255 else np.int32
        if self.kept.shape != y.shape or self.kept.dtype != dtype:
            self.kept = np.empty(y.shape, dtype)
        return self.kept

    def _areas(self, y: Array) -> Array:
        """The areas of the windows (H', W')."""
        return np.outer(self.rows.areas(), self.columns.areas()).astype(y.dtype)
