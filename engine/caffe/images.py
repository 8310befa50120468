"""Images as pycaffe has them: arrays (H, W, C) of floats from 0 to 1, channels R, G, B."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from engine.data.images import import_cv2, read_image
from engine.errors import DemitasseError
from layers.blob import Array


def load_image(filename: str | Path, color: bool = True) -> Array:
    """An image file as floats from 0 to 1: (H, W, 3) in R, G, B, or (H, W, 1) without colour.

    Raises:
        DemitasseError: the file is missing, or no whole image.
    """
    pixels = read_image(Path(filename), str(filename), color)[::-1]  # B, G, R to R, G, B
    return np.ascontiguousarray(pixels.transpose(1, 2, 0), np.float32) / np.float32(255)


def resize_image(im: Array, new_dims: Sequence[int], interp_order: int = 1) -> Array:
    """An image (H, W, C) at the size (height, width).

    Args:
        im: any number of channels.
        new_dims: height and width.
        interp_order: 0 takes the nearest pixel, 1 interpolates linearly, 3 by cubics.

    Raises:
        DemitasseError: another order.
    """
    cv2 = import_cv2()
    ways = {0: cv2.INTER_NEAREST, 1: cv2.INTER_LINEAR, 3: cv2.INTER_CUBIC}
    if interp_order not in ways:
        raise DemitasseError("unknown interp_order", got=str(interp_order), expected="0, 1 or 3")
    height, width = (int(length) for length in new_dims)
    image = np.asarray(im, np.float32)
    channels = [
        cv2.resize(
            np.ascontiguousarray(image[..., c]), (width, height), None, 0, 0, ways[interp_order]
        )
        for c in range(image.shape[-1])
    ]
    return np.stack(channels, axis=-1)


def oversample(images: Iterable[Array], crop_dims: Sequence[int]) -> Array:
    """Ten crops of each image: the four corners and the middle, then the same mirrored.

    Args:
        images: arrays (H, W, C) of one size.
        crop_dims: height and width.

    Returns:
        (10 N, height, width, C).

    Raises:
        DemitasseError: a crop is larger than the image.
    """
    height, width = (int(length) for length in crop_dims)
    crops = []
    for image in images:
        down, right = image.shape[0] - height, image.shape[1] - width
        if down < 0 or right < 0:
            raise DemitasseError(
                "the crop is larger than the image", got=f"{height} x {width}",
                expected=f"up to {image.shape[0]} x {image.shape[1]}",
            )  # fmt: skip
        corners = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
        five = [image[y : y + height, x : x + width] for y, x in corners]
        crops += [*five, *(crop[:, ::-1] for crop in five)]
    return np.stack(crops).astype(np.float32)
