"""ArrayData: batches from arrays in .npy, .npz or idx files."""

from __future__ import annotations

import numpy as np

from engine.data.array_file import read_array
from engine.data.options import SourceOptions
from engine.data.readers.arrays import ArrayReader
from engine.data.source_layer import SourceLayer
from layers.blob import Array
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
    order every epoch; seed (0) of those orders. (transform_param): all but mean_file need
    samples of no certain shape; crop, mirror and augment need images. (source_param): as all
    sources.

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
    param_field = "array_data_param"

    def open_reader(self, options: SourceOptions, tops: int) -> ArrayReader:
        p = self.own_param
        arrays = [self._read(p.source, p.source_key)]
        if tops > 1:
            if not p.label_source:
                raise self.error(
                    f'top "{self.layer_param.top[1]}" needs array_data_param.label_source, '
                    "the file of labels"
                )
            arrays.append(self._read(p.label_source, p.label_key))
        if len(arrays[0]) != len(arrays[-1]):
            raise self.error(
                "must have as many labels as samples",
                f'{len(arrays[0])} samples in "{p.source}", {len(arrays[1])} in "{p.label_source}"',
            )
        return ArrayReader(*arrays, source=p.source)

    def _read(self, source: str, key: str) -> Array:
        """The array of a file, with at least one sample along its first axis."""
        array = read_array(self.find_file(source), key)
        if array.ndim == 0 or array.size == 0:
            raise self.error(f'source "{source}" holds no samples', got=f"shape {array.shape}")
        return array[:, np.newaxis] if array.ndim == 3 else array
