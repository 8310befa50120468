"""What a source would give whose files are not there: known where its images are cropped."""

from __future__ import annotations

from engine.data.source_layer import SourceLayer
from engine.schema import LayerParameter
from layers import find_layer


def assumed_source(layer: LayerParameter) -> LayerParameter | None:
    """An Input layer with the tops that a missing source would make, as far as they are known.

    Images are taken for the size they are cropped or resized to, in as many channels as there are
    mean values, else in three (one for grey images); further tops for one label a sample.

    Returns:
        None: nothing says how large the samples are.
    """
    cls = find_layer(layer.type)
    if cls is None or not issubclass(cls, SourceLayer):
        return None
    own, transform = getattr(layer, cls.param_field), layer.transform_param
    size = [transform.crop_size] * 2 if transform.crop_size else _resized(own)
    if not size or not own.batch_size or not layer.top:
        return None
    source = LayerParameter(name=layer.name, type="Input", top=layer.top)
    image = [own.batch_size, _channels(layer, own), *size]
    for shape in [image, *[[own.batch_size]] * (len(layer.top) - 1)]:
        source.input_param.shape.add(dim=shape)
    return source


def _resized(own: object) -> list[int]:
    """The height and width that images are resized to, where the source does so."""
    size = [getattr(own, name, 0) for name in ("new_height", "new_width")]
    return size if all(size) else []


def _channels(layer: LayerParameter, own: object) -> int:
    means = len(layer.transform_param.mean_value)
    grey = layer.transform_param.force_gray or not getattr(own, "is_color", True)
    return means if means > 1 else 1 if grey else 3
