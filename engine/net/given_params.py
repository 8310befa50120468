"""Parameters written in the config itself: a layer's ``blobs``, as in Caffe."""

from __future__ import annotations

from engine.blob_io import fit_legacy, read_blob
from engine.schema import BlobProto
from layers import DemitasseError, Layer
from layers.blob import Array


def take_given(layer: Layer) -> None:
    """Starts a layer's parameters from the ``blobs`` of its specification, where it has any.

    Raises:
        LayerError: there are more or fewer than the layer has parameters, or of other shapes.
    """
    given = layer.layer_param.blobs
    if not given:
        return
    if len(given) != len(layer.blobs):
        what = "is given the wrong number of blobs"
        raise layer.error(what, len(given), len(layer.blobs), id="DM210")
    for index, (blob, proto) in enumerate(zip(layer.blobs, given, strict=True)):
        array = fit_legacy(_read(layer, index, proto), blob.shape)
        if array.shape != blob.shape:
            what = f"is given blob {index} in another shape"
            raise layer.error(what, array.shape, blob.shape, id="DM210")
        blob.data = array


def _read(layer: Layer, index: int, proto: BlobProto) -> Array:
    try:
        return read_blob(proto)
    except DemitasseError as problem:
        what = f"is given blob {index} as a {problem.what}"
        raise layer.error(what, problem.got, problem.expected, id="DM210") from problem
