"""Tile: the bottom repeated along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob
from layers.registry import register_layer


@register_layer("Tile")
class Tile(Layer):
    """Repeats its bottom along ``axis``.

    Formula:    y = [x, x, ...] along ``axis``, ``tiles`` times
    Derivative: dL/dx = the sum of the parts of dL/dy

    Shapes: bottom any; top the same, its ``axis`` ``tiles`` times as long.

    Parameters (tile_param): tiles, needed; axis (1).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "tile" type: "Tile" bottom: "data" top: "tile" tile_param { tiles: 3 } }

    Source: Caffe's Tile.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.tile_param, list(bottom[0].shape)
        if p.tiles < 1:
            got = f"tiles: {p.tiles}" if p.HasField("tiles") else "no tiles"
            raise self.error(
                "needs to know how often to repeat", got, "tile_param.tiles, 1 or more"
            )
        axis = self.axis(bottom[0], p.axis)
        self._rows = math.prod(shape[:axis]), 1, math.prod(shape[axis:])
        self._tiled = self._rows[0], p.tiles, self._rows[2]
        shape[axis] *= p.tiles
        top[0].reshape(*shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].data.reshape(self._tiled)[...] = bottom[0].data.reshape(self._rows)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            dy, dx = top[0].diff.reshape(self._tiled), bottom[0].diff.reshape(self._rows)
            np.sum(dy, axis=1, keepdims=True, out=dx)
