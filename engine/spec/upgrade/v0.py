"""V0 layers (``layers { layer { type: "conv" kernelsize: 5 } }``) to V1 layers.

A V0 layer keeps the options of all types side by side; a V1 layer has a message for each type.
Padding was a layer of its own and is now an option of the convolution or pooling after it.
"""

from __future__ import annotations

from google.protobuf.message import Message

from engine.schema import NetParameter, V0LayerParameter, V1LayerParameter
from layers.errors import DemitasseError, did_you_mean

_TYPES = {
    "accuracy": V1LayerParameter.ACCURACY,
    "bnll": V1LayerParameter.BNLL,
    "concat": V1LayerParameter.CONCAT,
    "conv": V1LayerParameter.CONVOLUTION,
    "data": V1LayerParameter.DATA,
    "dropout": V1LayerParameter.DROPOUT,
    "euclidean_loss": V1LayerParameter.EUCLIDEAN_LOSS,
    "flatten": V1LayerParameter.FLATTEN,
    "hdf5_data": V1LayerParameter.HDF5_DATA,
    "hdf5_output": V1LayerParameter.HDF5_OUTPUT,
    "im2col": V1LayerParameter.IM2COL,
    "images": V1LayerParameter.IMAGE_DATA,
    "infogain_loss": V1LayerParameter.INFOGAIN_LOSS,
    "innerproduct": V1LayerParameter.INNER_PRODUCT,
    "lrn": V1LayerParameter.LRN,
    "multinomial_logistic_loss": V1LayerParameter.MULTINOMIAL_LOGISTIC_LOSS,
    "pool": V1LayerParameter.POOLING,
    "relu": V1LayerParameter.RELU,
    "sigmoid": V1LayerParameter.SIGMOID,
    "softmax": V1LayerParameter.SOFTMAX,
    "softmax_loss": V1LayerParameter.SOFTMAX_LOSS,
    "split": V1LayerParameter.SPLIT,
    "tanh": V1LayerParameter.TANH,
    "window_data": V1LayerParameter.WINDOW_DATA,
}

# Options that any layer may have, and the message they belong to now ("" is the layer itself).
_COMMON = {
    "name": ("", "name"),
    "blobs": ("", "blobs"),
    "blobs_lr": ("", "blobs_lr"),
    "weight_decay": ("", "weight_decay"),
    "scale": ("transform_param", "scale"),
    "meanfile": ("transform_param", "mean_file"),
    "cropsize": ("transform_param", "crop_size"),
    "mirror": ("transform_param", "mirror"),
}

# The message of each type that has one, and its options by their old names.
_OPTIONS = {
    "conv": (
        "convolution_param",
        "num_output biasterm=bias_term weight_filler bias_filler pad kernelsize=kernel_size "
        "group stride",
    ),
    "innerproduct": (
        "inner_product_param",
        "num_output biasterm=bias_term weight_filler bias_filler",
    ),
    "pool": ("pooling_param", "pad kernelsize=kernel_size stride pool"),
    "dropout": ("dropout_param", "dropout_ratio"),
    "lrn": ("lrn_param", "local_size alpha beta k"),
    "data": ("data_param", "source batchsize=batch_size rand_skip"),
    "hdf5_data": ("hdf5_data_param", "source batchsize=batch_size"),
    "images": (
        "image_data_param",
        "source batchsize=batch_size rand_skip shuffle_images=shuffle new_height new_width",
    ),
    "window_data": (
        "window_data_param",
        "source batchsize=batch_size det_fg_threshold=fg_threshold det_bg_threshold=bg_threshold "
        "det_fg_fraction=fg_fraction det_context_pad=context_pad det_crop_mode=crop_mode",
    ),
    "infogain_loss": ("infogain_loss_param", "source"),
    "concat": ("concat_param", "concat_dim"),
    "hdf5_output": ("", "hdf5_output_param"),
}


def upgrade_v0_layers(net: NetParameter) -> list[str]:
    """Rewrite every V0 layer as a V1 layer; padding layers disappear into their readers."""
    old = [layer for layer in net.layers if layer.HasField("layer")]
    if not old:
        return []
    notices = [f"{len(old)} V0 layers became V1 layers"]
    notices += _absorb_padding(net)
    for layer in net.layers:
        if layer.HasField("layer"):
            notices += _upgrade_layer(layer)
    return notices


def _absorb_padding(net: NetParameter) -> list[str]:
    """Give the ``pad`` of padding layers to the layers that read them, and remove them."""
    writer: dict[str, V1LayerParameter] = {}  # of each blob, the last layer so far
    for layer in net.layers:
        for index, bottom in enumerate(layer.bottom):
            padding = writer.get(bottom)
            if padding is not None and padding.layer.type == "padding":
                _check_padding(padding, layer)
                layer.layer.pad = padding.layer.pad
                layer.bottom[index] = padding.bottom[0]
        writer.update(dict.fromkeys(layer.top, layer))
    kept = [layer for layer in net.layers if layer.layer.type != "padding"]
    removed = len(net.layers) - len(kept)
    if not removed:
        return []
    copies = NetParameter(layers=kept).layers
    net.ClearField("layers")
    net.layers.extend(copies)
    return [f"{removed} padding layer{'' if removed == 1 else 's'} became the option pad"]


def _check_padding(padding: V1LayerParameter, reader: V1LayerParameter) -> None:
    where = f'layer "{reader.layer.name}"'
    if reader.layer.type not in ("conv", "pool"):
        raise DemitasseError(
            f'only conv and pool layers can read the padding layer "{padding.layer.name}"',
            where=where,
            got=f'type "{reader.layer.type}"',
            expected='"conv" or "pool"',
        )
    for layer, blobs, kind in (
        (reader, reader.bottom, "bottom"),
        (padding, padding.bottom, "bottom"),
        (padding, padding.top, "top"),
    ):
        if len(blobs) != 1:
            raise DemitasseError(
                f"padding takes one blob, but this layer has several or no {kind}s",
                where=f'layer "{layer.layer.name}"',
                got=", ".join(blobs) or "none",
                expected=f"one {kind}",
            )


def _upgrade_layer(layer: V1LayerParameter) -> list[str]:
    """Spread the options of the V0 message inside ``layer`` over V1's messages."""
    old = V0LayerParameter()
    old.CopyFrom(layer.layer)
    layer.ClearField("layer")
    if old.HasField("type"):
        layer.type = _v1_type(old)
    places = _places(old.type)
    notices = []
    for field, value in old.ListFields():
        if field.name == "type":
            continue
        if field.name not in places:
            notices.append(
                f'dropped "{field.name}" of layer "{old.name}": type "{old.type}" has no use for it'
            )
            continue
        param, name = places[field.name]
        _put(getattr(layer, param) if param else layer, name, value)
    return notices


def _v1_type(old: V0LayerParameter) -> V1LayerParameter.LayerType:
    if old.type in _TYPES:
        return _TYPES[old.type]
    raise DemitasseError(
        "a V0 layer has a type that is not known",
        where=f'layer "{old.name}"',
        got=f'"{old.type}"',
        expected=", ".join(sorted(_TYPES)),
        hint=did_you_mean(old.type, _TYPES),
    )


def _places(layer_type: str) -> dict[str, tuple[str, str]]:
    """Where each old option goes: the V1 message and the name in it."""
    param, options = _OPTIONS.get(layer_type, ("", ""))
    pairs = (option.partition("=") for option in options.split())
    return _COMMON | {old: (param, new or old) for old, _, new in pairs}


def _put(message: Message, name: str, value: object) -> None:
    """Set a field, whether it holds one value, several, or a message."""
    field = message.DESCRIPTOR.fields_by_name[name]
    if isinstance(value, Message):
        getattr(message, name).CopyFrom(value)
    elif not field.is_repeated:
        setattr(message, name, value)
    elif isinstance(value, (int, float, str)):  # was one value, may be several now
        getattr(message, name).append(value)
    else:
        getattr(message, name).extend(value)
