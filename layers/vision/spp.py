"""SPP: spatial pyramid pooling, which makes images of any size equally long."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.max_pool import max_pool, max_pool_back
from layers.kernels.pool import WindowAxis, spread, sum_pool
from layers.registry import register_layer

Level = tuple[WindowAxis, WindowAxis]


@register_layer("SPP")
class SPP(Layer):
    """Pools the image into 1, 4, 16, ... bins and lays all of them out in one row.

    Formula:    y = [pool of level 0, pool of level 1, ...]; level i pools windows of
                ceil(H / 2^i) x ceil(W / 2^i) side by side, the image centred by padding
    Derivative: that of max or average pooling, added up over the levels

    Shapes: bottom (N, C, H, W); top (N, C (1 + 4 + ... + 4^(pyramid_height - 1))), or
    (N, C, 1, 1) for a single level.

    Parameters (spp_param): pyramid_height, the number of levels; pool (MAX), or AVE.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 6, 5] } } }
        layer {
          name: "spp" type: "SPP" bottom: "data" top: "spp"
          spp_param { pyramid_height: 2 pool: AVE }
        }

    Source: He et al., ECCV 2014; Caffe's SPP.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.spp_param
        if p.pyramid_height == 0:
            raise self.error("needs spp_param.pyramid_height above 0")
        if p.pool == p.STOCHASTIC:
            raise self.error("cannot pool STOCHASTIC", expected="MAX or AVE")
        self.taps: list[Array] = []

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if bottom[0].num_axes != 4 or 0 in bottom[0].shape:
            raise self.error(
                f'bottom "{bottom[0].name}" must have 4 axes: images, channels, height, width',
                got=f"shape {bottom[0].shape}",
            )
        height = self.layer_param.spp_param.pyramid_height
        self.levels = [
            (self._axis(bottom[0], 2, level), self._axis(bottom[0], 3, level))
            for level in range(height)
        ]
        outs = [(rows.out, columns.out) for rows, columns in self.levels]
        num, channels = bottom[0].shape[:2]
        if height == 1:
            top[0].reshape(num, channels, *outs[0])
        else:
            top[0].reshape(num, channels * sum(rows * columns for rows, columns in outs))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, x = self.layer_param.spp_param, bottom[0].data
        self.taps = []
        for level, out in self._split(x, top[0].data):
            y = np.empty((*x.shape[:2], level[0].out, level[1].out), x.dtype)
            if p.pool == p.MAX:
                self.taps.append(np.empty(y.shape, np.int32))
                max_pool(x, *level, y, self.taps[-1])
            else:
                sum_pool(x, *level, y)
                y /= _areas(level, x)
            out[...] = y.reshape(out.shape)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if not propagate_down[0]:
            return
        p, dx = self.layer_param.spp_param, bottom[0].diff
        total = np.zeros_like(dx)
        for index, (level, row) in enumerate(self._split(dx, top[0].diff)):
            dy = row.reshape(*dx.shape[:2], level[0].out, level[1].out)
            if p.pool == p.MAX:
                max_pool_back(dy, self.taps[index], *level, dx)
            else:
                spread(dy / _areas(level, dx), *level, dx)
            total += dx
        np.copyto(dx, total)

    def _axis(self, blob: Blob, axis: int, level: int) -> WindowAxis:
        """The windows of a level along an axis."""
        length = blob.shape[axis]
        kernel = -(-length // 2**level)
        pad = (kernel * 2**level - length + 1) // 2
        if pad >= kernel:
            raise self.error(
                f'bottom "{blob.name}" of shape {blob.shape} is too small for level {level}',
                got=f"{length} pixels for {2**level} bins",
                hint="take a smaller spp_param.pyramid_height",
            )
        return WindowAxis(length, kernel, kernel, pad)

    def _split(self, x: Array, row: Array) -> list[tuple[Level, Array]]:
        """The levels, each with its part (N, C bins) of the top."""
        sizes = [x.shape[1] * rows.out * columns.out for rows, columns in self.levels]
        return list(
            zip(
                self.levels,
                np.split(row.reshape(len(x), -1), np.cumsum(sizes)[:-1], 1),
                strict=True,
            )
        )


def _areas(level: Level, x: Array) -> Array:
    return np.outer(level[0].areas(), level[1].areas()).astype(x.dtype)
