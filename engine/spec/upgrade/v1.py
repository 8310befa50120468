"""V1 layers (``layers { type: CONVOLUTION blobs_lr: 1 }``) to today's ``layer { ... }``."""

from __future__ import annotations

from engine.schema import LayerParameter, NetParameter, ParamSpec, V1LayerParameter
from layers.errors import DemitasseError

# Types whose name does not follow from the old one by joining capitalised words.
_IRREGULAR = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BNLL": "BNLL",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "LRN": "LRN",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
}

# What `param` says today was said in four lists, one entry for each blob.
_SPEC_LISTS = {
    "param": "name",
    "blob_share_mode": "share_mode",
    "blobs_lr": "lr_mult",
    "weight_decay": "decay_mult",
}


def modern_type(old: str) -> str:
    """The type name of a V1 type: ``INNER_PRODUCT`` is ``InnerProduct``."""
    regular = "".join(word.capitalize() for word in old.split("_"))
    return _IRREGULAR.get(old, regular)


def upgrade_v1_layers(net: NetParameter) -> list[str]:
    """Rewrite every ``layers`` entry as a ``layer``."""
    if not net.layers:
        return []
    if net.layer:
        raise DemitasseError(
            'a net has either "layer" or "layers" entries, not both',
            where=f'net "{net.name}"' if net.name else "",
            got=f"{len(net.layer)} layer and {len(net.layers)} layers",
            expected="one kind",
            hint='"layers" is the older form: rewrite these entries as "layer"',
        )
    count = len(net.layers)
    for old in net.layers:
        _upgrade_layer(old, net.layer.add())
    net.ClearField("layers")
    return [f"{count} V1 layers (layers) became layer entries"]


def _upgrade_layer(old: V1LayerParameter, new: LayerParameter) -> None:
    """Fill ``new`` from ``old``, field by field in the order they were written."""
    for field, value in old.ListFields():
        name = field.name
        if name == "type":
            new.type = modern_type(V1LayerParameter.LayerType.Name(value))
        elif name in _SPEC_LISTS:
            _fill_specs(new, _SPEC_LISTS[name], list(value))
        elif field.is_repeated:
            getattr(new, name).extend(value)
        elif field.message_type is not None:
            getattr(new, name).CopyFrom(value)
        else:
            setattr(new, name, value)


def _fill_specs(layer: LayerParameter, name: str, values: list[object]) -> None:
    # The two enums of share modes have the same values.
    for index, value in enumerate(values):
        if index == len(layer.param):
            layer.param.append(ParamSpec())
        setattr(layer.param[index], name, value)
