"""GroupNorm: zero mean and unit variance for each group of an image's channels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob
from layers.kernels.channels import as_maps, channel_sum, column
from layers.kernels.standardize import standardize, standardize_back
from layers.registry import register_layer


@register_layer("GroupNorm")
class GroupNorm(NeuronLayer):
    """Normalizes groups of channels, image by image: for batches too small for BatchNorm.

    Formula:    u = (x - mean) / sqrt(var + eps);   y = w u + b, or u without affine
    Derivative: dL/du = w dL/dy,   dL/dw = sum of u dL/dy,   dL/db = sum of dL/dy;
                dL/dx = (dL/du - mean(dL/du) - u mean(u dL/du)) / sqrt(var + eps)

    The means and var (divided by their number) are over the C / num_groups channels of a group
    and their pixels, in one image; the sums are over images and pixels. One group is LayerNorm
    over a whole image; C groups are what is called instance normalization.

    Shapes: bottom (N, C, ...); top the same. Runs in place. blobs, with affine: w (ones) and
    b (zeros), each (C,).

    Parameters (group_norm_param): num_groups (32), which must divide C; eps (1e-5);
    affine (true).

    Example::

        layer { name: "data" type: "Input" top: "data" input_param { shape { dim: [2, 4, 2, 3] } } }
        layer {
          name: "norm" type: "GroupNorm" bottom: "data" top: "norm"
          group_norm_param { num_groups: 2 }
        }

    Source: Wu & He, ECCV 2018.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.group_norm_param
        if not p.eps >= 0:
            raise self.error("needs an eps of 0 or more", got=f"{p.eps:g}")
        channels = self._channels(bottom[0])
        if p.affine:
            self.add_blob((channels,)).data.fill(1)
            self.add_blob((channels,))

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        channels = self._channels(bottom[0])
        if self.blobs and channels != self.blobs[0].count:
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} does not fit the weights',
                expected=f"{self.blobs[0].count} channels",
            )
        super().reshape(bottom, top)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p, shape = self.layer_param.group_norm_param, bottom[0].shape
        unit, self._deviation = standardize(self._rows(bottom[0].data), p.eps)
        # Kept, since layers that run in place on the top may change it.
        self._unit: Array = as_maps(unit.reshape(shape))
        y = as_maps(top[0].data)
        if not self.blobs:
            np.copyto(y, self._unit)
            return
        weights, bias = (column(blob.data) for blob in self.blobs)
        np.multiply(self._unit, weights, out=y)
        y += bias

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        du = as_maps(top[0].diff)
        if self.blobs:
            if self.param_propagate_down[0]:
                self.blobs[0].diff += channel_sum(du * self._unit)
            if self.param_propagate_down[1]:
                self.blobs[1].diff += channel_sum(du)
            du = du * column(self.blobs[0].data)
        if propagate_down[0]:
            dx = standardize_back(self._rows(du), self._rows(self._unit), self._deviation)
            bottom[0].diff = dx.reshape(bottom[0].shape)

    def _channels(self, blob: Blob) -> int:
        """The number of channels, checked against the groups."""
        groups = self.layer_param.group_norm_param.num_groups
        channels = blob.shape[self.axis(blob, 1)]
        if groups == 0 or channels % groups:
            raise self.error(
                "channels must be a multiple of group_norm_param.num_groups",
                got=f"{channels} channels, num_groups {groups}",
                hint="the default is 32 groups; write num_groups for fewer channels",
            )
        if 0 in blob.shape[1:]:
            raise self.error(f'bottom "{blob.name}" has no values to normalize', blob.shape)
        return channels

    def _rows(self, array: Array) -> Array:
        """The array as a matrix of one row a group."""
        rows = array.shape[0] * self.layer_param.group_norm_param.num_groups
        count = math.prod(array.shape[1:]) // self.layer_param.group_norm_param.num_groups
        return array.reshape(rows, count)
