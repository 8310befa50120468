"""What Convolution and Deconvolution share: parameters, weights, checks and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.convolver import Convolver, choose
from layers.kernels.geometry import check_fits, read_geometry
from layers.kernels.threads import share


class SlidingLayer(Layer):
    """A layer whose kernels slide over images; a subclass says which way the numbers go."""

    min_bottom = 1
    min_top = 1
    equal_num_bottom_top = True
    convolver: Convolver

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.convolution_param
        axis = self.axis(bottom[0], p.axis)
        channels = bottom[0].shape[axis]
        self.geometry = read_geometry(self, bottom[0], axis + 1)
        self.num_output, self.group = self.maps_and_groups(channels)
        if self.num_output == 0:
            raise self.error("needs convolution_param.num_output above 0")
        if channels == 0:
            raise self.error(f'bottom "{bottom[0].name}" has no channels', bottom[0].shape)
        if self.group == 0 or channels % self.group or self.num_output % self.group:
            raise self.error(
                "channels and num_output must be multiples of convolution_param.group",
                got=f"{channels} channels, num_output {self.num_output}, group {self.group}",
            )
        self.add_blob(self.weight_shape(channels), p.weight_filler)
        if p.bias_term:
            self.add_blob((self.num_output,), p.bias_filler)
        self._prepared_for: tuple[int, ...] | None = None

    def maps_and_groups(self, channels: int) -> tuple[int, int]:
        """The number of maps of the top, and into how many groups they fall."""
        p = self.layer_param.convolution_param
        return p.num_output, p.group

    def weight_shape(self, channels: int) -> tuple[int, ...]:
        """The shape of the weights for a bottom of so many channels."""
        raise NotImplementedError

    def out_lengths(self, lengths: Sequence[int]) -> tuple[int, ...]:
        """The spatial lengths of the top, from those of the bottom."""
        raise NotImplementedError

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape, axis = bottom[0].shape, self._check(bottom)
        lengths = self.out_lengths(shape[axis + 1 :])
        check_fits(self, self.geometry, bottom[0], lengths)
        outputs = (*shape[:axis], self.num_output, *lengths)
        for blob in top:
            blob.reshape(*outputs)
        if self._prepared_for != shape:
            self._prepared_for, num = shape, math.prod(shape[:axis])
            self._prepare((num, *shape[axis:]), (num, *outputs[axis:]))

    def _prepare(self, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
        """Makes the convolver, which runs from inputs to outputs."""
        self.convolver = choose(inputs, self.blobs[0].shape, self.group, self.geometry)

    def _check(self, bottom: Sequence[Blob]) -> int:
        """The channel axis, once the bottoms are known to fit each other and the weights."""
        shape = bottom[0].shape
        for blob in bottom[1:]:
            if blob.shape != shape:
                raise self.error(
                    f'bottoms "{bottom[0].name}" and "{blob.name}" must have one shape',
                    got=f"{shape} and {blob.shape}",
                )
        axis = self.axis(bottom[0], self.layer_param.convolution_param.axis)
        axes = len(self.geometry.kernel)
        if len(shape) - axis - 1 != axes or self.weight_shape(shape[axis]) != self.blobs[0].shape:
            raise self.error(
                f'bottom "{bottom[0].name}" does not fit the weights',
                got=f"shape {shape}",
                expected=f"{axes} spatial axes, and channels for weights {self.blobs[0].shape}",
            )
        if 0 in shape[axis:]:
            raise self.error(f'bottom "{bottom[0].name}" holds no pixels', got=f"shape {shape}")
        return axis

    def images(self, array: Array) -> Array:
        """The array (N..., C, spatial...) with one axis for all images, as convolvers take it."""
        channels = array.ndim - len(self.geometry.kernel) - 1
        return array.reshape(math.prod(array.shape[:channels]), *array.shape[channels:])

    def bias_gradient(self, dy: Array) -> None:
        """Adds to the gradient of the bias, where there is one to be trained."""
        if len(self.blobs) > 1 and self.param_propagate_down[1]:
            axes = len(self.geometry.kernel)
            lengths = dy.shape[dy.ndim - axes :]
            maps = dy.reshape(-1, self.blobs[1].count, math.prod(lengths))
            for total in share(lambda part: maps[part].sum(axis=2).sum(axis=0), len(maps), dy.size):
                self.blobs[1].diff += total
