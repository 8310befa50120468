"""The mean of all images of a source, as Caffe computes and keeps it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.blob_io import write_blob
from engine.schema import BlobProto
from layers.blob import Array
from layers.errors import DemitasseError
from tools.datasets.samples import Sample


class ImageMean:
    """The running mean of images of one size, summed in doubles.

    Args:
        where: names the source in errors.
    """

    def __init__(self, where: str):
        self._where = where
        self._sum: Array = np.empty(0)
        self.count = 0

    def add(self, samples: Iterable[Sample]) -> Iterable[Sample]:
        """Takes images in, and passes them on.

        Raises:
            DemitasseError: one has another size than the first, or is no image.
        """
        for sample in samples:
            if self.count == 0:
                if sample.data.ndim != 3:
                    raise DemitasseError(
                        "the samples are no images", self._where, f"shape {sample.data.shape}",
                        "(channels, height, width)",
                    )  # fmt: skip
                self._sum = np.zeros(sample.data.shape)
            if sample.data.shape != self._sum.shape:
                raise DemitasseError(
                    "the images have different sizes, so there is no mean image",
                    f"{self._where}, record {sample.record}",
                    _by(sample.data),
                    f"{_by(self._sum)}, as the first",
                    "`demitasse convert_imageset` resizes them",
                )
            self._sum += sample.data
            self.count += 1
            yield sample

    @property
    def image(self) -> Array:
        """The mean image, (C, H, W) floats."""
        return (self._sum / self.count).astype(np.float32)

    @property
    def channel_means(self) -> list[float]:
        """The mean of each channel, added up like Caffe's: its tool prints the same digits."""
        pixels = self.image.reshape(len(self._sum), -1)
        sums = np.add.accumulate(pixels, axis=1, dtype=np.float32)[:, -1]
        return [float(one / np.float32(pixels.shape[1])) for one in sums]


def mean_blob(image: Array) -> BlobProto:
    """The blob of a mean file, with the four fixed axes that Caffe's tool writes."""
    blob = write_blob(image)
    blob.ClearField("shape")
    blob.num, (blob.channels, blob.height, blob.width) = 1, image.shape
    return blob


def _by(image: Array) -> str:
    return "x".join(map(str, image.shape))
