"""Datums as Caffe's tools write them, field by field."""

from __future__ import annotations

import numpy as np

from engine.schema import Datum
from layers.blob import Array
from layers.errors import DemitasseError

_LARGEST_CLASS = 2**24


def image_datum(image: Array, label: Array) -> Datum:
    """The Datum of raw pixels: bytes, (C, H, W), in the order B, G, R."""
    channels, height, width = image.shape
    datum = Datum(channels=channels, height=height, width=width, data=image.tobytes())
    _set_label(datum, label)
    datum.encoded = False
    return datum


def encoded_datum(file: bytes, label: Array) -> Datum:
    """The Datum of an image file; like Caffe's it does not say the image's size."""
    datum = Datum(data=file)
    _set_label(datum, label)
    datum.encoded = True
    return datum


def feature_datum(values: Array) -> Datum:
    """The Datum of floats: of up to three axes, which are channels, height and width.

    Raises:
        DemitasseError: there are more axes.
    """
    if values.ndim > 3:
        raise DemitasseError(
            "a Datum has three axes", got=f"samples of shape {values.shape}", expected="(C, H, W)"
        )
    channels, height, width = values.shape + (1,) * (3 - values.ndim)
    datum = Datum(channels=channels, height=height, width=width)
    datum.float_data.extend(np.asarray(values, np.float32).ravel().tolist())
    return datum


def _set_label(datum: Datum, label: Array) -> None:
    """A class as ``label``, as Caffe has it; one of another kind, or several, as floats."""
    if label.ndim or not float(label).is_integer():
        datum.float_label.extend(label.reshape(-1).tolist())
        return
    if abs(float(label)) > _LARGEST_CLASS:
        raise DemitasseError(
            "the label is too large for a class", got=f"{float(label):.0f}",
            expected=f"at most {_LARGEST_CLASS:,}, which nets, in single precision, tell apart",
        )  # fmt: skip
    datum.label = int(label)
