"""Interp: bilinear resizing with aligned corners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from layers.base import Layer
from layers.blob import Array, Blob
from layers.registry import register_layer


@register_layer("Interp")
class Interp(Layer):
    """Resizes images bilinearly; corner pixels stay corner pixels.

    Formula:    Y = A X B^T for each channel; row i of A weighs the two rows of X next to
                i (h - 1) / (h' - 1), and B does so for columns
    Derivative: dL/dX = A^T dL/dY B

    Shapes: bottom (N, C, H, W); top (N, C, H', W'). With h = H + pad_beg + pad_end, H' is
    height; or (h - 1) / shrink_factor + 1; or h + (h - 1) (zoom_factor - 1); or the last two
    in this order. W' likewise.

    Parameters (interp_param): height and width; or shrink_factor (1), zoom_factor (1) or both;
    pad_beg (0) and pad_end (0), not above 0: they cut pixels off.

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 2, 3, 4] } } }
        layer {
          name: "big" type: "Interp" bottom: "data" top: "big"
          interp_param { height: 5 width: 6 }
        }

    Source: Chen et al., DeepLab, ICLR 2015; the Interp layer of gpapan/caffe, and its successors
    where shrink_factor and zoom_factor go together.
    """

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.interp_param, bottom[0].shape
        if len(shape) != 4:
            raise self.error(
                f'bottom "{bottom[0].name}" must have 4 axes: images, channels, height, width',
                got=f"shape {shape}",
            )
        if p.pad_beg > 0 or p.pad_end > 0:
            raise self.error("pads cut pixels off", f"{p.pad_beg} and {p.pad_end}", "0 or less")
        cut = [n + p.pad_beg + p.pad_end for n in shape[2:]]
        new = self._lengths(p, cut)
        if min(*cut, *new) < 1:
            raise self.error(
                f'nothing is left of bottom "{bottom[0].name}" of shape {shape}', got=(cut, new)
            )
        dtype = bottom[0].dtype
        self.weights = [
            _weights(n, -p.pad_beg, c, m, dtype)
            for n, c, m in zip(shape[2:], cut, new, strict=True)
        ]
        top[0].reshape(*shape[:2], *new)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        rows, columns = self.weights
        np.matmul(rows @ bottom[0].data, columns.T, out=top[0].data)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        if propagate_down[0]:
            rows, columns = self.weights
            np.matmul(rows.T @ top[0].diff, columns, out=bottom[0].diff)

    def _lengths(self, p: Any, lengths: list[int]) -> list[int]:
        """The new height and width."""
        if p.shrink_factor < 1 or p.zoom_factor < 1:
            raise self.error("shrink_factor and zoom_factor must be at least 1")
        factors = p.HasField("shrink_factor") or p.HasField("zoom_factor")
        if not factors:
            if not (p.HasField("height") and p.HasField("width")):
                raise self.error("needs height and width, a shrink_factor or a zoom_factor")
            return [p.height, p.width]
        small = [(n - 1) // p.shrink_factor + 1 for n in lengths]
        return [n + (n - 1) * (p.zoom_factor - 1) for n in small]


def _weights(length: int, first: int, cut: int, new: int, dtype: DTypeLike) -> Array:
    """The matrix (new, length) of the shares that each old pixel has in each new one."""
    weights = np.zeros((new, length), dtype)
    places = np.arange(new) * ((cut - 1) / (new - 1) if new > 1 else 0.0)
    left = np.minimum(places.astype(int), cut - 1)
    share = places - left
    weights[np.arange(new), first + left] += 1 - share
    weights[np.arange(new), first + np.minimum(left + 1, cut - 1)] += share
    return weights
