"""``caffe.Classifier``: a net with the steps from images to class probabilities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from engine import Net
from engine.caffe.images import oversample as crops_of
from engine.caffe.images import resize_image
from engine.caffe.transformer import Transformer
from layers import TEST
from layers.blob import Array


class Classifier(Net):
    """A net with one input that takes images.

    Args:
        model_file: the net.
        pretrained_file: its .caffemodel.
        image_dims: height and width that images get before crops are taken; the input's.
        mean, input_scale, raw_scale, channel_swap: as for Transformer.
    """

    def __init__(
        self,
        model_file: str | Path,
        pretrained_file: str | Path,
        image_dims: Sequence[int] | None = None,
        mean: Array | None = None,
        input_scale: float | None = None,
        raw_scale: float | None = None,
        channel_swap: Sequence[int] | None = None,
    ):
        super().__init__(model_file, phase=TEST, weights=pretrained_file)
        name = self.inputs[0]
        self.transformer = Transformer({name: self.blobs[name].shape})
        self.transformer.set_transpose(name, (2, 0, 1))
        if mean is not None:
            self.transformer.set_mean(name, mean)
        if input_scale is not None:
            self.transformer.set_input_scale(name, input_scale)
        if raw_scale is not None:
            self.transformer.set_raw_scale(name, raw_scale)
        if channel_swap is not None:
            self.transformer.set_channel_swap(name, channel_swap)
        self.crop_dims = self.blobs[name].shape[2:]
        self.image_dims = tuple(image_dims) if image_dims else self.crop_dims

    def predict(self, inputs: Iterable[Array], oversample: bool = True) -> Array:
        """The probabilities of each image's classes, (N, classes).

        Args:
            inputs: images (H, W, C), as ``caffe.io.load_image`` gives them.
            oversample: average over ten crops; otherwise the crop in the middle.
        """
        name, output = self.inputs[0], self.outputs[0]
        images = [resize_image(image, self.image_dims) for image in inputs]
        if oversample:
            crops = crops_of(images, self.crop_dims)
        else:
            down, right = (
                (full - crop) // 2
                for full, crop in zip(self.image_dims, self.crop_dims, strict=True)
            )
            height, width = self.crop_dims
            crops = np.stack([im[down : down + height, right : right + width] for im in images])
        prepared = np.stack([self.transformer.preprocess(name, crop) for crop in crops])
        found = self.forward_all(**{name: prepared})[output]
        found = found.reshape(len(found), -1)
        return found.reshape(len(images), -1, found.shape[1]).mean(1) if oversample else found
