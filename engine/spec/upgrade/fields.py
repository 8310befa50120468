"""Options that moved: data transformation, input fields, BatchNorm's, rounding of pooling."""

from __future__ import annotations

from engine.schema import LayerParameter, NetParameter, PoolingParameter, V1LayerParameter
from layers.errors import DemitasseError

_TRANSFORM_OPTIONS = ("scale", "mean_file", "crop_size", "mirror")
_DATA_PARAMS = {
    V1LayerParameter.DATA: "data_param",
    V1LayerParameter.IMAGE_DATA: "image_data_param",
    V1LayerParameter.WINDOW_DATA: "window_data_param",
}


def upgrade_data_options(net: NetParameter) -> list[str]:
    """Move scale, mean file, crop and mirror of V1 data layers to ``transform_param``.

    Layers of today's form are left alone: Caffe reads such options from ``transform_param``
    only, so moving them would change what an existing file does.
    """
    names = [layer.name for layer in net.layers if _move_transform(layer)]
    if not names:
        return []
    for layer in net.layers:
        if layer.type in _DATA_PARAMS:  # Caffe leaves both messages behind, even if empty
            getattr(layer, _DATA_PARAMS[layer.type]).SetInParent()
            layer.transform_param.SetInParent()
    return [f"moved data options to transform_param in {_listed(names)}"]


def _move_transform(layer: V1LayerParameter) -> bool:
    param = _DATA_PARAMS.get(layer.type)
    if param is None or not layer.HasField(param):
        return False
    options = getattr(layer, param)
    present = [name for name in _TRANSFORM_OPTIONS if options.HasField(name)]
    for name in present:
        setattr(layer.transform_param, name, getattr(options, name))
        options.ClearField(name)
    return bool(present)


def upgrade_input_fields(net: NetParameter) -> list[str]:
    """Replace ``input`` with ``input_shape`` or ``input_dim`` by a layer of type Input.

    Weights files name their inputs without shapes; those names are dropped, as no layer can be
    made of them.
    """
    if not net.input:
        return []
    names = list(net.input)
    shapes = _input_shapes(net)
    for field in ("input", "input_shape", "input_dim"):
        net.ClearField(field)
    if not shapes:
        return [f"dropped inputs without a shape: {', '.join(names)}"]
    layer = LayerParameter(name="input", type="Input", top=names)
    for dims in shapes:
        layer.input_param.shape.add(dim=dims)
    # Layers run in order, and the others read what this one writes.
    net.layer.insert(0, layer)
    return [f"input fields became a layer of type Input with tops {', '.join(names)}"]


def _input_shapes(net: NetParameter) -> list[list[int]]:
    count = len(net.input)
    if net.input_shape:
        given, wanted, field = len(net.input_shape), count, "input_shape"
        shapes = [list(shape.dim) for shape in net.input_shape]
    elif net.input_dim:
        # Four numbers for each input, as blobs had four axes then.
        given, wanted, field = len(net.input_dim), 4 * count, "input_dim"
        shapes = [list(net.input_dim[i : i + 4]) for i in range(0, given, 4)]
    else:
        return []
    if given != wanted:
        raise DemitasseError(
            f"the number of {field} entries does not fit the number of inputs",
            where=f'net "{net.name}"',
            got=f"{given} for {count} input{'' if count == 1 else 's'}",
            expected=f"{wanted}",
            hint="write layers of type Input instead",
        )
    return shapes


def upgrade_batch_norm(net: NetParameter) -> list[str]:
    """Stop training BatchNorm's three blobs: they are averages, no gradient reaches them.

    Old files had to say so themselves, and where they forgot, weight decay ate the averages.
    """
    names = [layer.name for layer in net.layer if _freeze_averages(layer)]
    return [f"set lr_mult and decay_mult of BatchNorm to 0 in {_listed(names)}"] if names else []


def _freeze_averages(layer: LayerParameter) -> bool:
    if layer.type != "BatchNorm" or len(layer.param) != 3:
        return False
    changed = any(spec.lr_mult or spec.decay_mult for spec in layer.param)
    for spec in layer.param:
        spec.lr_mult = spec.decay_mult = 0
    return changed


def upgrade_rounding(net: NetParameter) -> list[str]:
    """Replace the forks' ``ceil_mode`` of pooling by ``round_mode``."""
    names = [layer.name for layer in net.layer if _use_round_mode(layer)]
    return [f"ceil_mode became round_mode in {_listed(names)}"] if names else []


def _use_round_mode(layer: LayerParameter) -> bool:
    if not layer.HasField("pooling_param") or not layer.pooling_param.HasField("ceil_mode"):
        return False
    pooling = layer.pooling_param
    mode = PoolingParameter.CEIL if pooling.ceil_mode else PoolingParameter.FLOOR
    if pooling.HasField("round_mode") and pooling.round_mode != mode:
        raise DemitasseError(
            "ceil_mode and round_mode contradict each other",
            where=f'layer "{layer.name}"',
            got=f"ceil_mode: {str(pooling.ceil_mode).lower()} and "
            f"round_mode: {PoolingParameter.RoundMode.Name(pooling.round_mode)}",
            expected="one of them",
            hint="remove ceil_mode, the forks' form",
        )
    pooling.round_mode = mode
    pooling.ClearField("ceil_mode")
    return True


def _listed(names: list[str]) -> str:
    """``layer "a"``, or ``3 layers: "a", "b", "c"``, cut short when there are many."""
    quoted = [f'"{name}"' for name in names]
    if len(quoted) == 1:
        return f"layer {quoted[0]}"
    shown = quoted if len(quoted) <= 6 else [*quoted[:5], "..."]
    return f"{len(quoted)} layers: {', '.join(shown)}"
