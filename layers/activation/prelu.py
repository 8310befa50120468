"""PReLU: y = x where x > 0, else a x, with a learnt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from layers.activation.kept_input import KeptInputLayer
from layers.blob import Array, Blob
from layers.registry import register_layer

QUARTERS = SimpleNamespace(type="constant", value=0.25, sparse=-1)


@register_layer("PReLU")
class PReLU(KeptInputLayer):
    """Rectified linear unit with a learnt slope for each channel.

    Formula:    y = x where x > 0, else a x
    Derivative: dL/dx = dL/dy where x > 0, else a dL/dy;
                dL/da = sum of x dL/dy where x <= 0, over all axes but the channels

    Shapes: bottom (N, C, ...); top the same. blobs[0] is a: (C,), or () with channel_shared.
    Runs in place.

    Parameters (prelu_param): filler (0.25); channel_shared (false), one a for all channels.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "prelu" type: "PReLU" bottom: "data" top: "prelu" }

    Source: He et al., ICCV 2015; Caffe's PReLU.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.prelu_param
        self._channels(bottom[0])
        shape = () if p.channel_shared else (bottom[0].shape[1],)
        self.add_blob(shape, p.filler if p.HasField("filler") else QUARTERS)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        channels, slopes = self._channels(bottom[0]), self.blobs[0]
        if slopes.shape not in ((), (channels,)):
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the slopes',
                got=f"{channels} channels",
                expected=slopes.shape[0],
            )
        super().reshape(bottom, top)
        self._grouped = (bottom[0].shape[0], channels, math.prod(bottom[0].shape[2:]))

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, y = self.keep(bottom, top), top[0].data
        below = np.minimum(x, 0)
        below *= self._spread_slopes(x)
        np.maximum(x, 0, out=y)
        y += below

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        x, dy, dx = self.kept(bottom, top), top[0].diff, bottom[0].diff
        if self.param_propagate_down[0]:
            slopes, below, grouped = self.blobs[0], np.minimum(x, 0), self._grouped
            axes = "oki,oki->k" if slopes.shape else "oki,oki->"
            slopes.diff += np.einsum(axes, below.reshape(grouped), dy.reshape(grouped))
        if propagate_down[0]:
            # In two parts, above and below zero: choosing element by element is far slower.
            above = dy * (x > 0)
            np.subtract(dy, above, out=dx)
            dx *= self._spread_slopes(x)
            dx += above

    def _spread_slopes(self, x: Array) -> Array:
        """The slopes, shaped so that NumPy spreads them over x."""
        slopes = self.blobs[0].data
        return slopes.reshape(-1, *(1,) * (x.ndim - 2)) if slopes.ndim else slopes

    def _channels(self, bottom: Blob) -> int:
        if bottom.num_axes < 2:
            raise self.error(
                f'bottom "{bottom.name}" has no channels',
                got=f"shape {bottom.shape}",
                expected="2 axes or more: (N, C, ...)",
            )
        return bottom.shape[1]
