"""``caffe.io.Transformer``: from an image as loaded to what a net's input wants, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from engine.caffe.images import resize_image
from engine.errors import DemitasseError, did_you_mean
from layers.blob import Array

Setting = TypeVar("Setting")


class Transformer:
    """Applies to an image, in this order: resize, transpose, channel swap, scale, mean, scale.

    >>> transformer = Transformer({"data": net.blobs["data"].data.shape})
    >>> transformer.set_transpose("data", (2, 0, 1))        # (H, W, C) to (C, H, W)
    >>> transformer.set_channel_swap("data", (2, 1, 0))     # R, G, B to B, G, R
    >>> transformer.set_raw_scale("data", 255)              # 0..1 to 0..255
    >>> transformer.set_mean("data", np.array([104, 117, 123]))
    >>> net.blobs["data"].data[0] = transformer.preprocess("data", load_image("cat.jpg"))

    Args:
        inputs: the shape of each input blob, (N, C, H, W).
    """

    def __init__(self, inputs: Mapping[str, Sequence[int]]):
        self.inputs = {name: tuple(shape) for name, shape in inputs.items()}
        self.transpose: dict[str, tuple[int, ...]] = {}
        self.channel_swap: dict[str, tuple[int, ...]] = {}
        self.raw_scale: dict[str, float] = {}
        self.mean: dict[str, Array] = {}
        self.input_scale: dict[str, float] = {}

    def preprocess(self, in_: str, data: Array) -> Array:
        """An image (H, W, C) as the input's values, (C, H, W).

        Raises:
            DemitasseError: there is no such input, or the image does not suit it.
        """
        self._check(in_)
        image = np.asarray(data, np.float32)
        size = self.inputs[in_][2:]
        if image.ndim != 3:
            raise DemitasseError(
                "an image has three axes", got=f"shape {image.shape}", expected="(H, W, C)"
            )
        if image.shape[:2] != size:
            image = resize_image(image, size)
        if in_ in self.transpose:
            image = image.transpose(self.transpose[in_])
        if in_ in self.channel_swap:
            image = image[list(self.channel_swap[in_])]
        image = image * np.float32(self.raw_scale.get(in_, 1))
        image = image - self.mean.get(in_, np.float32(0))
        return image * np.float32(self.input_scale.get(in_, 1))

    def deprocess(self, in_: str, data: Array) -> Array:
        """The input's values as an image again, in the input's size."""
        self._check(in_)
        image = np.array(np.squeeze(data), np.float32)
        image = image / np.float32(self.input_scale.get(in_, 1)) + self.mean.get(in_, np.float32(0))
        image = image / np.float32(self.raw_scale.get(in_, 1))
        if in_ in self.channel_swap:
            image = image[np.argsort(self.channel_swap[in_])]
        if in_ in self.transpose:
            image = image.transpose(np.argsort(self.transpose[in_]))
        return image

    def set_transpose(self, in_: str, order: Sequence[int]) -> None:
        """Which axis of the image each axis of the input is; (2, 0, 1) puts channels first."""
        self._check(in_)
        self._check_order(order, len(self.inputs[in_]) - 1)
        self.transpose[in_] = tuple(order)

    def set_channel_swap(self, in_: str, order: Sequence[int]) -> None:
        """Which channel of the image each channel is; (2, 1, 0) makes B, G, R of R, G, B."""
        self._check(in_)
        self._check_order(order, self.inputs[in_][1])
        self.channel_swap[in_] = tuple(order)

    def set_raw_scale(self, in_: str, scale: float) -> None:
        """A factor before the mean is subtracted: 255 where nets were trained on 0..255."""
        self._set(self.raw_scale, in_, scale)

    def set_input_scale(self, in_: str, scale: float) -> None:
        """A factor after the mean is subtracted."""
        self._set(self.input_scale, in_, scale)

    def set_mean(self, in_: str, mean: Array) -> None:
        """What to subtract: a value for each channel, or a mean image (C, H, W).

        Raises:
            DemitasseError: it does not fit the input.
        """
        self._check(in_)
        mean = np.asarray(mean, np.float32)
        channels, *size = self.inputs[in_][1:]
        if mean.ndim == 1 and mean.size in (1, channels):
            mean = mean.reshape(-1, 1, 1)
        elif mean.ndim == 2:
            mean = mean[np.newaxis]
        if mean.ndim != 3 or mean.shape[0] not in (1, channels) or (
            mean.shape[1:] not in ((1, 1), tuple(size))
        ):  # fmt: skip
            raise DemitasseError(
                f'the mean does not fit the input "{in_}"', got=f"shape {mean.shape}",
                expected=f"({channels},) or {(channels, *size)}",
            )  # fmt: skip
        self.mean[in_] = mean

    def _set(self, settings: dict[str, Setting], in_: str, value: Setting) -> None:
        self._check(in_)
        settings[in_] = value

    def _check(self, in_: str) -> None:
        if in_ not in self.inputs:
            raise DemitasseError(
                f'the transformer has no input "{in_}"',
                expected=", ".join(self.inputs),
                hint=did_you_mean(in_, self.inputs),
            )

    def _check_order(self, order: Sequence[int], count: int) -> None:
        if sorted(order) != list(range(count)):
            raise DemitasseError(
                "an order names every axis or channel once", got=str(tuple(order)),
                expected=f"the numbers 0 to {count - 1}, in any order",
            )  # fmt: skip
