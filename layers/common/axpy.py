"""Axpy: y = a x + b with a weight for each channel, as in squeeze-and-excitation."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.channels import as_maps
from layers.registry import register_layer


@register_layer("Axpy")
class Axpy(Layer):
    """Weighs the channels of one blob and adds another.

    Formula:    y[n, c] = a[n, c] x[n, c] + b[n, c]
    Derivative: dL/da[n, c] = sum over pixels of x dL/dy,   dL/dx = a dL/dy,   dL/db = dL/dy

    Shapes: bottoms a (N, C) or (N, C, 1, 1), x (N, C, H, W), b (N, C, H, W); top (N, C, H, W).

    Parameters: none.

    Example::

        layer { name: "a" type: "Input" top: "a" input_param { shape { dim: [2, 3, 1, 1] } } }
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3, 2, 4] } } }
        layer { name: "b" type: "Input" top: "b" input_param { shape { dim: [2, 3, 2, 4] } } }
        layer { name: "y" type: "Axpy" bottom: "a" bottom: "x" bottom: "b" top: "y" }

    Source: Hu et al., SENet, CVPR 2018; the Axpy layer of hujie-frank/SENet.
    """

    exact_num_bottom = 3
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, x, b = bottom
        if x.num_axes < 2 or x.shape != b.shape:
            raise self.error(
                f'"{x.name}" and "{b.name}" must have one shape (N, C, ...)',
                got=f"{x.shape} and {b.shape}",
            )
        if a.shape[:2] != x.shape[:2] or a.count != math.prod(x.shape[:2]):
            raise self.error(
                f'"{a.name}" must have one number for each channel',
                got=a.shape,
                expected=(*x.shape[:2], 1, 1),
            )
        top[0].reshape(*x.shape)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        a, x, b = (blob.data for blob in bottom)
        np.multiply(as_maps(x), _weights(a), out=as_maps(top[0].data))
        top[0].data += b

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        (a, x, b), dy = bottom, top[0].diff
        if propagate_down[0]:
            np.copyto(_weights(a.diff), (as_maps(x.data) * as_maps(dy)).sum(axis=2, keepdims=True))
        if propagate_down[1]:
            np.multiply(as_maps(dy), _weights(a.data), out=as_maps(x.diff))
        if propagate_down[2]:
            np.copyto(b.diff, dy)


def _weights(array: Array) -> Array:
    """(N, C, 1)."""
    return array.reshape(*array.shape[:2], 1)
