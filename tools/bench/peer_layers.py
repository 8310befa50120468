"""Our layers as PyTorch modules, each with the arguments that make it compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

Layer = dict[str, Any]
Blobs = list[Any]


class Call(nn.Module):
    """A module without parameters, from a function."""

    def __init__(self, function: Callable[..., Any]):
        super().__init__()
        self.function = function

    def forward(self, *inputs: Any) -> Any:
        return self.function(*inputs)


class Flat(nn.Module):
    """InnerProduct: flattens all axes but those that stay."""

    def __init__(self, linear: nn.Linear):
        super().__init__()
        self.linear = linear

    def forward(self, x: Any) -> Any:
        inputs = self.linear.in_features
        return self.linear(x if x.shape[-1] == inputs else x.flatten(1))


class Recurrent(nn.Module):
    """LSTM from a state of zeros; the second input, where sequences begin, is at step 0 only."""

    def __init__(self, lstm: nn.LSTM):
        super().__init__()
        self.lstm = lstm

    def forward(self, x: Any, cont: Any) -> Any:
        return self.lstm(x)[0]


def make_layer(layer: Layer, blobs: Blobs) -> Any:
    """The module for a described layer, with its initial weights."""
    return _MAKERS[layer["type"]](layer, blobs)


def _set(parameter: Any, values: Any) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))


def _convolution(layer: Layer, blobs: Blobs) -> Any:
    weights, group = blobs[0], layer["group"]
    module = nn.Conv2d(
        weights.shape[1] * group,
        weights.shape[0],
        weights.shape[2:],
        layer["stride"],
        layer["pad"],
        layer["dilation"],
        group,
        bias=len(blobs) > 1,
    )
    _set(module.weight, weights)
    if len(blobs) > 1:
        _set(module.bias, blobs[1])
    return module


def _inner_product(layer: Layer, blobs: Blobs) -> Any:
    linear = nn.Linear(blobs[0].shape[1], blobs[0].shape[0], bias=len(blobs) > 1)
    _set(linear.weight, blobs[0])
    if len(blobs) > 1:
        _set(linear.bias, blobs[1])
    return Flat(linear)


def _batch_norm(layer: Layer, blobs: Blobs) -> Any:
    scale = blobs[3:]
    module = nn.BatchNorm2d(blobs[0].shape[0], eps=layer["eps"], affine=bool(scale))
    if scale:
        _set(module.weight, scale[0])
    if len(scale) > 1:
        _set(module.bias, scale[1])
    return module


def _pooling(layer: Layer, blobs: Blobs) -> Any:
    kernel, stride, pad = layer["kernel"], layer["stride"], layer["pad"]
    if layer["mode"] == "max":
        return nn.MaxPool2d(kernel, stride, pad, ceil_mode=True)
    if layer["whole"]:
        return nn.AdaptiveAvgPool2d(1)
    return nn.AvgPool2d(kernel, stride, pad, ceil_mode=True)


def _lstm(layer: Layer, blobs: Blobs) -> Any:
    inputs, bias, recurrent = blobs
    units = recurrent.shape[1]
    module = nn.LSTM(inputs.shape[1], units)

    def in_order(gates: Any) -> Any:
        """Gates i, f, o, g as i, f, g, o."""
        parts = gates.reshape(4, units, *gates.shape[1:])[[0, 1, 3, 2]]
        return parts.reshape(gates.shape)

    _set(module.weight_ih_l0, in_order(inputs))
    _set(module.weight_hh_l0, in_order(recurrent))
    _set(module.bias_ih_l0, in_order(bias))
    _set(module.bias_hh_l0, 0 * bias)
    return Recurrent(module)


def _softmax_loss(layer: Layer, blobs: Blobs) -> Any:
    axis = layer["axis"]
    return Call(
        lambda x, t: F.cross_entropy(x.movedim(axis, -1).flatten(0, -2), t.flatten().long())
    )


def _sigmoid_loss(layer: Layer, blobs: Blobs) -> Any:
    return Call(
        lambda x, t: F.binary_cross_entropy_with_logits(x, t.view_as(x), reduction="sum") / len(x)
    )


def _sum(*terms: Any) -> Any:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def _in_place(layer: Layer) -> bool:
    return bool(layer["bottom"] == layer["top"])


_MAKERS: dict[str, Callable[[Layer, Blobs], Any]] = {
    "BatchNorm": _batch_norm,
    "Concat": lambda layer, blobs: Call(lambda *x: torch.cat(x, layer["axis"])),
    "Convolution": _convolution,
    "ConvolutionDepthwise": _convolution,
    "DepthwiseConvolution": _convolution,
    "Dropout": lambda layer, blobs: nn.Dropout(layer["ratio"]),
    "Eltwise": lambda layer, blobs: Call(_sum),
    "InnerProduct": _inner_product,
    "LRN": lambda layer, blobs: nn.LocalResponseNorm(
        layer["size"], layer["alpha"], layer["beta"], layer["k"]
    ),
    "LSTM": _lstm,
    "Pooling": _pooling,
    "ReLU": lambda layer, blobs: nn.ReLU(inplace=_in_place(layer)),
    "Sigmoid": lambda layer, blobs: nn.Sigmoid(),
    "SigmoidCrossEntropyLoss": _sigmoid_loss,
    "Slice": lambda layer, blobs: Call(lambda x: torch.split(x, layer["lengths"], layer["axis"])),
    "SoftmaxWithLoss": _softmax_loss,
}
