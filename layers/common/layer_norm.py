"""LayerNorm: zero mean and unit variance for each position, over its own values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.standardize import standardize, standardize_back
from layers.registry import register_layer


@register_layer("LayerNorm")
class LayerNorm(NeuronLayer):
    """Normalizes the values from ``axis`` on, whatever the rest of the batch holds.

    Formula:    u = (x - mean) / sqrt(var + eps);   y = w u + b, or u without affine
    Derivative: dL/du = w dL/dy,   dL/dw = sum of u dL/dy,   dL/db = sum of dL/dy;
                dL/dx = (dL/du - mean(dL/du) - u mean(u dL/du)) / sqrt(var + eps)

    The means and var (divided by their number) are over the axes from ``axis`` on; the sums
    are over the others.

    Shapes: bottom (outer..., inner...), split at ``axis``; top the same. Runs in place.
    blobs, with affine: w (ones) and b (zeros), each (inner...).

    Parameters (layer_norm_param): axis (-1); eps (1e-5); affine (true).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 3, 4] } } }
        layer { name: "norm" type: "LayerNorm" bottom: "data" top: "norm" }

    Source: Ba, Kiros & Hinton, arXiv:1607.06450.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.layer_norm_param
        if not p.eps >= 0:
            raise self.error("needs an eps of 0 or more", got=f"{p.eps:g}")
        self._inner = self._normalized(bottom[0])
        if p.affine:
            self.add_blob(self._inner).data.fill(1)
            self.add_blob(self._inner)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        inner = self._normalized(bottom[0])
        if self.blobs and inner != self.blobs[0].shape:
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the weights',
                got=inner,
                expected=self.blobs[0].shape,
            )
        self._inner = inner
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        y = self._rows(top[0].data)
        # Kept, since layers that run in place on the top may change it.
        self._unit, self._deviation = standardize(
            self._rows(bottom[0].data), self.layer_param.layer_norm_param.eps
        )
        if not self.blobs:
            np.copyto(y, self._unit)
            return
        weights, bias = (blob.data.reshape(-1) for blob in self.blobs)
        np.multiply(self._unit, weights, out=y)
        y += bias

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        du = self._rows(top[0].diff)
        if self.blobs:
            weights, bias = self.blobs
            if self.param_propagate_down[0]:
                weights.diff += np.einsum("rk,rk->k", du, self._unit).reshape(weights.shape)
            if self.param_propagate_down[1]:
                bias.diff += du.sum(axis=0).reshape(bias.shape)
            du = du * weights.data.reshape(-1)
        if propagate_down[0]:
            dx = standardize_back(du, self._unit, self._deviation)
            bottom[0].diff = dx.reshape(bottom[0].shape)

    def _normalized(self, blob: Blob) -> tuple[int, ...]:
        """The lengths of the axes that are normalized over."""
        inner = blob.shape[self.axis(blob, self.layer_param.layer_norm_param.axis) :]
        if 0 in inner:
            raise self.error(f'bottom "{blob.name}" has no values to normalize', blob.shape)
        return inner

    def _rows(self, array: Array) -> Array:
        """The array as a matrix of one row for all that is normalized together."""
        count = math.prod(self._inner)
        return array.reshape(array.size // count, count)
