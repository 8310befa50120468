"""Transformer: from a record as it was read to a sample as the net sees it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from engine.data.augment import read_augmentation
from engine.data.draws import Draws
from engine.data.images import planes
from layers.base import TRAIN
from layers.blob import Array
from layers.errors import DemitasseError

_KNOWN = {
    "scale", "mirror", "crop_size", "crop_h", "crop_w", "mean_file", "mean_value",
    "force_color", "force_gray", "augment",
}  # fmt: skip

Shape = tuple[int, ...]


class Transformer:
    """Augments, crops, mirrors, subtracts the mean, and scales, as a transform_param says.

    Formula: y = (crop(x) - mean) * scale / std, mirrored half of the time if so wished. The crop
    is at a random place when training and in the centre when testing; a mean image is cropped
    at the same place.

    There is no state: what is random comes from the Draws of a sample.

    Args:
        param: a TransformationParameter.
        phase: TRAIN or TEST.
        dtype: of the samples.
        mean: the mean image of ``mean_file``, (C, H, W), or None.

    Raises:
        DemitasseError: the parameters contradict each other, or ask for what is not there.
    """

    def __init__(self, param: Any, phase: int, dtype: DTypeLike, mean: Array | None = None):
        _refuse_unknown(param)
        if param.mean_file and param.mean_value:
            raise DemitasseError("transform_param has both mean_file and mean_value")
        self._random_crop = phase == TRAIN
        self._height = param.crop_h or param.crop_size
        self._width = param.crop_w or param.crop_size
        if bool(self._height) != bool(self._width):
            raise DemitasseError("transform_param needs crop_h and crop_w together")
        self._mirror = param.mirror
        self._dtype = np.dtype(dtype)
        self._mean_image = None if mean is None else mean.astype(dtype)
        self._means = list(param.mean_value)
        self._scale = param.scale
        self.augmentation = read_augmentation(param.augment, phase == TRAIN)
        self._shapes: dict[Shape, Shape] = {}
        self._constants: dict[int, tuple[Array | None, Array | None]] = {}

    @property
    def same_for_all(self) -> bool:
        """Whether every sample is treated alike, so that a batch can be done at once."""
        extra = self.augmentation
        random_crop = self._height > 0 and self._random_crop
        return not (self._mirror or random_crop or extra.changes or extra.cutouts or extra.mixup)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of a sample made from a record of a shape.

        Raises:
            DemitasseError: records of this shape cannot be transformed.
        """
        if shape not in self._shapes:
            self._shapes[shape] = self._output_shape(shape)
        return self._shapes[shape]

    def _output_shape(self, shape: Shape) -> Shape:
        extra = self.augmentation
        if (self._height or self._mirror or extra.changes or extra.cutouts) and len(shape) != 3:
            raise DemitasseError(
                "crop, mirror and augment need images", "", f"shape {shape}", "(C, H, W)"
            )
        for change in extra.changes:
            shape = change.shape(shape)
        self._check_values(shape[0] if shape else 1)
        mean = self._mean_image
        if mean is not None and mean.shape != shape:
            raise DemitasseError(
                "the mean image has another shape than the data", "", str(mean.shape), str(shape)
            )
        if self._height:
            if shape[1] < self._height or shape[2] < self._width:
                raise DemitasseError(
                    "the crop is larger than the image",
                    got=f"{self._height} x {self._width} of {shape[1]} x {shape[2]}",
                )
            return shape[0], self._height, self._width
        return shape

    def sample(self, record: Sequence[Array], draws: Draws, out: Array) -> None:
        """Transforms a record of a shape that :meth:`output_shape` has seen into ``out``."""
        data = record[0]
        for change in self.augmentation.changes:
            data = change(data, draws)
        mirror = self._mirror and draws.integer(2) == 1
        y, x = 0, 0
        if self._height:
            y, x = data.shape[1] - self._height, data.shape[2] - self._width
            if self._random_crop:
                y, x = draws.integer(y + 1), draws.integer(x + 1)
            else:
                y, x = y // 2, x // 2
        self.place(data, out, y, x, mirror)
        for cutout in self.augmentation.cutouts:
            cutout(out, draws)

    def many(self, data: Array, out: Array) -> None:
        """Transforms several records at once, when all are treated alike."""
        y, x = 0, 0
        if self._height:
            y, x = (data.shape[-2] - self._height) // 2, (data.shape[-1] - self._width) // 2
        self.place(data, out, y, x, axes=data.ndim - 1)

    def place(
        self, data: Array, out: Array, y: int = 0, x: int = 0, mirror: bool = False, axes: int = -1
    ) -> None:
        """Writes the part of the data at (y, x) that fills ``out``, less the mean, scaled."""
        mean, factor = self._for_axes(data.ndim if axes < 0 else axes)
        if self._height:
            height, width = out.shape[-2:]
            data = data[..., y : y + height, x : x + width]
            if mean is not None and mean.shape[1:] != (1, 1):
                mean = mean[:, y : y + height, x : x + width]
        # Turned around while they are bytes; the mean, if it is an image, along with them.
        if data.ndim == 3 and data.dtype == np.uint8:
            data = planes(data, mirror)
        elif mirror:
            data = data[..., ::-1]
        if mirror and mean is not None:
            mean = mean[..., ::-1]
        if mean is None:
            np.copyto(out, data, casting="unsafe")
        else:
            np.subtract(data, mean, out=out, casting="unsafe")
        if factor is not None:
            out *= factor

    def _for_axes(self, axes: int) -> tuple[Array | None, Array | None]:
        """The mean and the factor, shaped for samples of so many axes."""
        if axes not in self._constants:
            mean = self._mean_image
            if self._means:
                mean = _per_channel(self._means, axes, self._dtype)
            factor: Array | None = None
            if self._scale != 1 or self.augmentation.std:
                stds = self.augmentation.std or [1.0]
                factor = _per_channel([self._scale / std for std in stds], axes, self._dtype)
            self._constants[axes] = mean, factor
        return self._constants[axes]

    def _check_values(self, channels: int) -> None:
        """Raises a DemitasseError unless there is one value for all channels, or one for each."""
        named = (("mean_value", self._means), ("augment.normalize.std", self.augmentation.std))
        for name, values in named:
            if values and len(values) not in (1, channels):
                raise DemitasseError(
                    f"has the wrong number of transform_param.{name}",
                    got=str(len(values)),
                    expected="1" if channels == 1 else f"1, or {channels}: one a channel",
                )


def _per_channel(values: Sequence[float], axes: int, dtype: np.dtype[Any]) -> Array:
    array: Array = np.array(values, dtype)
    return array.reshape(-1, *[1] * (axes - 1)) if axes else array.reshape(())


def _refuse_unknown(param: Any) -> None:
    """Refuses what is not done here, rather than train on other data than asked for."""
    for field, value in param.ListFields():
        if field.name not in _KNOWN and (
            field.message_type is not None or value != field.default_value
        ):
            raise DemitasseError(
                f"does not do transform_param.{field.name}", expected=", ".join(sorted(_KNOWN))
            )
