"""ArrayData: batches from arrays in .npy, .npz or idx files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.data.array_file import read_array
from engine.data.order import DataOrder, Indices
from engine.data.source_layer import SourceLayer
from layers.blob import Array, Blob
from layers.errors import DemitasseError
from layers.registry import register_layer


@register_layer("ArrayData")
class ArrayData(SourceLayer):
    """Gives samples, and their labels, from files of arrays.

    Formula: data = (samples - mean_value) * scale;  label = labels, as floats

    Files: .npy (memory-mapped), .npz, idx or idx.gz; samples lie along the first axis.

    Shapes: top 0 (batch_size, ...) as in the file, but grey images (N, H, W) become
    (batch_size, 1, H, W); top 1, if there is one, holds the labels in the same manner. Batches
    run on from the last sample to the first.

    Parameters (array_data_param): source; source_key, its name in an .npz of several arrays;
    label_source, needed for a second top, and label_key; batch_size; shuffle (false), a new
    order every epoch; seed (0) of those orders.
    (transform_param): scale (1); mean_value, one or one a channel, subtracted before scaling.

    Example::

        layer {
          name: "mnist" type: "ArrayData" top: "data" top: "label"
          transform_param { scale: 0.00390625 }
          array_data_param {
            source: "train-images-idx3-ubyte.gz" label_source: "train-labels-idx1-ubyte.gz"
            batch_size: 64 shuffle: true
          }
        }

    Source: our own; transforms as Caffe's DataTransformer.
    """

    max_top = 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.array_data_param
        self.check_source(p.source, p.batch_size, "array_data_param")
        self._arrays = [self._read(p.source, p.source_key)]
        if len(top) > 1:
            if not p.label_source:
                raise self.error(
                    f'top "{top[1].name}" needs array_data_param.label_source, the file of labels'
                )
            self._arrays.append(self._read(p.label_source, p.label_key))
        counts = [len(array) for array in self._arrays]
        if counts[0] != counts[-1]:
            raise self.error(
                "must have as many labels as samples",
                got=f'{counts[0]} samples in "{p.source}", {counts[1]} in "{p.label_source}"',
            )
        self.sample_count = counts[0]
        self._order = DataOrder(self.sample_count, p.batch_size, p.shuffle, p.seed)
        self._check_transform()
        self._scale = self.layer_param.transform_param.scale
        self._mean = self._mean_values()

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob, array in zip(top, self._arrays, strict=True):
            blob.reshape(self.batch_size, *array.shape[1:])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        indices = self._order.indices(self.position)
        for blob, array in zip(top, self._arrays, strict=True):
            # Straight into the top: converts the bytes of the file to floats on the way.
            np.copyto(blob.data, _rows(array, indices), casting="unsafe")
        data = top[0].data
        if self._mean is not None:
            data -= self._mean
        if self._scale != 1:
            data *= data.dtype.type(self._scale)
        self.position += self.batch_size

    def _read(self, source: str, key: str) -> Array:
        """The array of a file, with at least one sample along its first axis."""
        try:
            array = read_array(self.find_file(source), key)
        except DemitasseError as problem:
            raise self.named(problem) from problem
        if array.ndim == 0 or array.size == 0:
            raise self.error(f'source "{source}" holds no samples', got=f"shape {array.shape}")
        return array[:, np.newaxis] if array.ndim == 3 else array

    def _check_transform(self) -> None:
        """Refuses what this layer does not do, rather than train on other data than asked for."""
        p = self.layer_param.transform_param
        for field, value in p.ListFields():
            asked_for = field.message_type is not None or value != field.default_value
            if field.name not in ("scale", "mean_value") and asked_for:
                raise self.error(
                    f"does not do transform_param.{field.name}", expected="scale or mean_value"
                )

    def _mean_values(self) -> Array | None:
        """The means, shaped to be subtracted from a batch of samples."""
        means = self.layer_param.transform_param.mean_value
        if not means:
            return None
        shape = self._arrays[0].shape
        channels = shape[1] if len(shape) > 1 else 1
        if len(means) not in (1, channels):
            raise self.error(
                "has the wrong number of transform_param.mean_value",
                got=len(means),
                expected="1" if channels == 1 else f"1, or {channels}: one a channel",
            )
        mean: Array = np.array(means, self.context.dtype)
        return mean.reshape(-1, *[1] * (len(shape) - 2)) if len(shape) > 1 else mean


def _rows(array: Array, indices: Indices) -> Any:
    """The rows at the indices; only a view where they follow each other."""
    first, count = int(indices[0]), len(indices)
    if indices[-1] - first == count - 1 and (np.diff(indices) == 1).all():
        return array[first : first + count]
    return array[indices]
