"""Images from bytes, as OpenCV decodes and resizes them (Caffe's own library for both)."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import MissingDependency
from layers.blob import Array
from layers.errors import DemitasseError

# A picture of a few kilobytes may declare a billion pixels. OpenCV reads its limit when it is
# imported, and a user may set another one.
_LIMIT, _MOST_PIXELS = "OPENCV_IO_MAX_IMAGE_PIXELS", 2**25

_JPEG, _PNG = b"\xff\xd8", b"\x89PNG"
_SCAN, _END = b"\xff\xda", b"\xff\xd9"


def import_cv2() -> Any:
    """The cv2 module: pixels come out as in Caffe only from the library that Caffe uses.

    Raises:
        MissingDependency: it is not installed.
    """
    os.environ.setdefault(_LIMIT, str(_MOST_PIXELS))
    try:
        import cv2
    except ImportError as problem:
        raise MissingDependency("cv2", "images", "images") from problem
    return cv2


def decode_image(data: bytes, where: str, color: bool | None) -> Array:
    """The pixels of a JPEG, PNG or other image file: bytes, (C, H, W), in the order B, G, R.

    Args:
        data: the file's bytes.
        where: names the image in errors.
        color: three channels, or one; None keeps those of the file.

    Raises:
        DemitasseError: this is no image, is cut short, or has more than 8 bits a channel.
    """
    cv2 = import_cv2()
    if not data:
        raise DemitasseError("the image is empty", where)
    if _is_truncated(data):
        raise DemitasseError("the image is truncated", where, f"{len(data)} bytes, without an end")
    mode = {True: cv2.IMREAD_COLOR, False: cv2.IMREAD_GRAYSCALE, None: cv2.IMREAD_UNCHANGED}
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), mode[color])
    except cv2.error as problem:  # such as a header that declares a billion pixels
        raise _not_decoded(problem.err, where) from problem
    if image is None:
        raise DemitasseError(
            "this cannot be decoded as an image", where, f"it starts with {data[:8].hex(' ')}"
        )
    if image.dtype != np.uint8:
        raise DemitasseError("the image has more than 8 bits a channel", where, str(image.dtype))
    return channels_first(image)


def _not_decoded(reason: str, where: str) -> DemitasseError:
    if "IMAGE_PIXELS" not in reason:
        return DemitasseError(f"the image cannot be decoded: {reason}", where)
    return DemitasseError(
        "the image has more pixels than are read",
        where,
        expected=f"{os.environ[_LIMIT]} at most",
        hint=f"where it is meant to be that large, set the environment variable {_LIMIT}",
    )


def read_image(path: Path, where: str, color: bool, height: int = 0, width: int = 0) -> Array:
    """The pixels of an image file, resized where a height and a width are given.

    Raises:
        DemitasseError: the file is missing, or as :func:`decode_image`.
    """
    image = decode_image(read_bytes(path, where), where, color)
    return resize(image, height, width) if height and width else image


def read_bytes(path: Path, where: str) -> bytes:
    """The bytes of an image file.

    Raises:
        DemitasseError: the file is missing, or cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise DemitasseError("the image is not a file", where, str(path))
        return path.read_bytes()
    except (OSError, ValueError) as problem:  # a name with a null byte in it is a ValueError
        reason = getattr(problem, "strerror", None) or str(problem)
        raise DemitasseError(f"the image cannot be read: {reason}", where, str(path)) from problem


def resize(image: Array, height: int, width: int) -> Array:
    """The image (C, H, W) at another size, bilinearly.

    Raises:
        DemitasseError: so large an image cannot be made.
    """
    if image.shape[1:] == (height, width):
        return image
    cv2 = import_cv2()
    try:
        return channels_first(cv2.resize(channels_last(image), (width, height)))
    except (cv2.error, MemoryError):
        shape = f"{image.shape[0]}x{height}x{width}"
        raise DemitasseError("the image cannot be made so large", got=shape) from None


def channels_first(image: Array) -> Array:
    """(H, W) or (H, W, C) as (C, H, W): a view."""
    return image[np.newaxis] if image.ndim == 2 else image.transpose(2, 0, 1)


def channels_last(image: Array) -> Array:
    """(C, H, W) as (H, W, C) in that memory order, as OpenCV wants it; a copy only if needed."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def planes(image: Array, mirror: bool = False) -> Array:
    """The bytes (C, H, W), mirrored if so wished, in an order that is quick to read.

    OpenCV, where it is installed, separates the channels of an image that it decoded, and turns
    rows around, several times faster than NumPy walks through memory in another order.
    """
    interleaved = len(image) > 1 and image.strides[0] == image.itemsize
    if not (mirror or interleaved):
        return image
    cv2 = _opencv()
    if cv2 is None:
        return image[..., ::-1] if mirror else image
    out = np.empty(image.shape, image.dtype)
    if interleaved:
        pixels = image.transpose(1, 2, 0)
        cv2.split(cv2.flip(pixels, 1) if mirror else pixels, list(out))
    else:
        for plane, mirrored in zip(image, out, strict=True):
            cv2.flip(plane, 1, mirrored)
    return out


@cache
def _opencv() -> Any | None:
    """The cv2 module, if it is installed."""
    try:
        return import_cv2()
    except MissingDependency:
        return None


def _is_truncated(data: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end; OpenCV fills the rest with grey and says nothing.

    In the data of a JPEG's scan the bytes of a marker cannot occur, so the end mark must come
    after the last scan's start (one that comes before belongs to a thumbnail).
    """
    if data.startswith(_JPEG):
        end = data.rfind(_END)
        return end < 0 or data.find(_SCAN, end) >= 0
    return data.startswith(_PNG) and not _png_ends(data)


def _png_ends(data: bytes) -> bool:
    """Whether a PNG's chunks lead to its end; OpenCV allocates whatever length a chunk declares."""
    at = 8
    while at + 12 <= len(data):
        kind = data[at + 4 : at + 8]
        at += 12 + int.from_bytes(data[at : at + 4], "big")
        if kind == b"IEND":
            return at <= len(data)
    return False
