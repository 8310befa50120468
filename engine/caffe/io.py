"""``caffe.io``: images made ready for a net, and arrays as messages and back."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.blob_io import read_blob, write_blob
from engine.caffe.images import load_image, oversample, resize_image
from engine.caffe.transformer import Transformer
from engine.errors import DemitasseError
from engine.schema import BlobProto, BlobProtoVector, Datum
from layers.blob import Array

__all__ = [
    "Transformer",
    "array_to_blobproto",
    "array_to_datum",
    "arraylist_to_blobprotovector_str",
    "blobproto_to_array",
    "blobprotovector_str_to_arraylist",
    "datum_to_array",
    "load_image",
    "oversample",
    "resize_image",
]


def array_to_blobproto(arr: Array, diff: Array | None = None) -> BlobProto:
    """An array, and its gradient if given, as a message."""
    return write_blob(np.asarray(arr), None if diff is None else np.asarray(diff))


def blobproto_to_array(blob: BlobProto, return_diff: bool = False) -> Array:
    """The values of a message, or its gradient.

    Raises:
        DemitasseError: shape and number of values disagree.
    """
    if not return_diff:
        return read_blob(blob)
    gradient = BlobProto()
    gradient.CopyFrom(blob)
    gradient.ClearField("data")
    gradient.ClearField("double_data")
    gradient.data.extend(blob.diff or blob.double_diff)
    return read_blob(gradient)


def arraylist_to_blobprotovector_str(arraylist: Iterable[Array]) -> bytes:
    """Arrays as one serialised message."""
    vector = BlobProtoVector(blobs=[array_to_blobproto(array) for array in arraylist])
    return vector.SerializeToString()


def blobprotovector_str_to_arraylist(text: bytes) -> list[Array]:
    """The arrays in such a message."""
    return [blobproto_to_array(blob) for blob in BlobProtoVector.FromString(text).blobs]


def array_to_datum(arr: Array, label: int | None = None) -> Datum:
    """An array (C, H, W) as a record of a database; bytes stay bytes, all else becomes floats.

    Raises:
        DemitasseError: the array has not three axes.
    """
    arr = np.asarray(arr)
    if arr.ndim != 3:
        raise DemitasseError(
            "a Datum holds one array of three axes", got=f"shape {arr.shape}", expected="(C, H, W)"
        )
    channels, height, width = arr.shape
    datum = Datum(channels=channels, height=height, width=width)
    if arr.dtype == np.uint8:
        datum.data = arr.tobytes()
    else:
        datum.float_data.extend(arr.astype(float).flat)
    if label is not None:
        datum.label = label
    return datum


def datum_to_array(datum: Datum) -> Array:
    """The array (C, H, W) of a record.

    Raises:
        DemitasseError: it holds an encoded image, or not as many values as it says.
    """
    shape = (datum.channels, datum.height, datum.width)
    values = (
        np.frombuffer(datum.data, np.uint8)
        if datum.data
        else np.asarray(datum.float_data, np.float64)
    )
    if datum.encoded or values.size != int(np.prod(shape)):
        got = "an encoded image" if datum.encoded else f"{values.size} values"
        raise DemitasseError("the Datum holds no plain array", got=got, expected=f"shape {shape}")
    return values.reshape(shape)
