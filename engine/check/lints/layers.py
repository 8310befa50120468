"""Layers that do not go together, and parameters that a layer does not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.check.lints.words import layers_named
from engine.check.report import CheckedNet
from engine.errors import DemitasseError
from engine.schema import TEST, LayerParameter
from layers import Layer, find_layer, layer_types

# Losses that begin with a function, and the layers that compute it.
_INCLUDED = {
    "SoftmaxWithLoss": "Softmax",
    "SigmoidCrossEntropyLoss": "Sigmoid",
    "InfogainLoss": "Softmax",
}
_RECTIFIERS = ("ReLU", "ReLU6")
_WITH_BIAS = {
    "Convolution": "convolution_param",
    "Deconvolution": "convolution_param",
    "DepthwiseConvolution": "convolution_param",
    "ConvolutionDepthwise": "convolution_param",
    "InnerProduct": "inner_product_param",
}
_OURS = ("layers", "engine")
_SHARED_FIELDS = {"transform_param", "loss_param"}  # read by whole families of layers


def scores_before_loss(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM603, DM607, DM608: what stands between the scores and a loss that wants them plain."""
    for index, loss in enumerate(net.graph.layers):
        below = net.graph.maker(index) if loss.type in _INCLUDED else None
        if below is None:
            continue
        function = _INCLUDED[loss.type]
        scores = below.bottom[0] if below.bottom else ""
        if below.type == function:
            what = f'takes the {function.lower()} of "{loss.bottom[0]}", which is one already'
            expected = f'the scores below it: "{scores}"'
            hint = f'give it the bottom of "{below.name}", and keep that for the TEST phase only'
            yield net.problem("DM603", loss, what, expected=expected, hint=hint)
        elif below.type == "Dropout" and net.in_training:
            what = f'reads scores of which "{below.name}" drops some'
            hint = "put the Dropout before the layer that makes the scores, not behind it"
            yield net.problem("DM607", loss, what, hint=hint)
        elif below.type in _RECTIFIERS:
            what = f'reads scores that "{below.name}" ({below.type}) has cut at 0'
            hint = f'remove "{below.name}": a class whose score is below 0 gets no gradient'
            yield net.problem("DM608", loss, what, hint=hint)


def bias_before_batch_norm(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM602: a bias that the mean of the batch takes away again."""
    found = []
    for index, layer in enumerate(net.graph.layers) if net.in_training else ():
        field = _WITH_BIAS.get(layer.type)
        readers = net.graph.readers(index)
        if field and readers and all(reader.type == "BatchNorm" for reader in readers):
            found += [layer] if getattr(layer, field).bias_term else []
    if found:
        what = "has a bias that the BatchNorm behind it takes away again"
        got = layers_named(found) if len(found) > 1 else ""
        hint = "bias_term: false; the Scale layer after a BatchNorm has the bias"
        yield net.problem("DM602", found[0], what, got=got, hint=hint)


def batch_statistics_in_test(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM618: a test whose result depends on what else is in the batch."""
    for layer in net.graph.layers:
        p = layer.batch_norm_param
        fixed = p.HasField("use_global_stats") and not p.use_global_stats
        if layer.type == "BatchNorm" and fixed and net.spec.param.state.phase == TEST:
            what = "normalises by the batch in the TEST phase as well"
            hint = "leave use_global_stats out: each phase then gets what it needs"
            yield net.problem("DM618", layer, what, got="use_global_stats: false", hint=hint)


def one_class(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM620: a softmax over a single class is always 1, its loss always 0."""
    for layer in net.graph.layers:
        node = net.node(layer) if layer.type == "SoftmaxWithLoss" else None
        if node is None:
            continue
        shape, axis = node.bottom[0].shape, layer.softmax_param.axis
        if -len(shape) <= axis < len(shape) and shape[axis] == 1:
            what = "has one class only, so its loss is always 0"
            got = f'axis {axis} of "{layer.bottom[0]}" {shape}'
            hint = "two classes need num_output: 2; one output goes with SigmoidCrossEntropyLoss"
            yield net.problem("DM620", layer, what, got=got, hint=hint)


def foreign_parameters(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM605: parameters that the layer's type does not read."""
    for layer in net.graph.layers:
        cls = find_layer(layer.type)
        if cls is None or cls.type == "Python" or cls.__module__.partition(".")[0] not in _OURS:
            continue  # how others describe theirs is not known
        read = parameter_fields(cls)
        for field, _ in layer.ListFields():
            if not field.name.endswith("_param") or field.name in read | _SHARED_FIELDS:
                continue
            own = ", ".join(sorted(read)) or "no parameters of its own"
            readers = [kind for kind in layer_types() if field.name in _fields_of_type(kind)]
            hint = f"{field.name} belongs to {', '.join(readers[:4])}" if readers else ""
            place = net.spec.origins.field(f"layer.{layer.name}.{field.name}")
            what = f"does not read {field.name}, which has no effect"
            problem = net.problem("DM605", layer, what, expected=own, hint=hint)
            if place is not None:
                problem.where = f'{place}, layer "{layer.name}" ({layer.type})'
            yield problem


def _fields_of_type(kind: str) -> frozenset[str]:
    cls = find_layer(kind)
    return parameter_fields(cls) if cls is not None else frozenset()


def parameter_fields(cls: type[Layer]) -> frozenset[str]:
    """The messages of parameters that a layer type reads: those its description names."""
    described = " ".join((base.__doc__ or "").partition("Example::")[0] for base in cls.__mro__)
    shared = {"source_param"} if hasattr(cls, "param_field") else set[str]()
    return frozenset(re.findall(r"\b(\w+_param)\b", described)) & _ALL_FIELDS | shared


_ALL_FIELDS = {field.name for field in LayerParameter.DESCRIPTOR.fields}
