"""What a picture says about a layer: its main settings, or the sign of the gate it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.net.gradient_flow import Node


def details(node: Node) -> str:
    """The settings that tell layers of one type apart; nothing for most types."""
    return _DETAILS.get(node.layer.type, lambda _: "")(node)


def loss_weights(node: Node) -> str:
    """How much its losses count, where that is not once."""
    weights = [weight for weight in node.loss_weights if weight not in (0, 1)]
    return ", ".join(f"loss weight {weight:g}" for weight in weights)


def gate_symbol(node: Node) -> str:
    """A layer as a gate: its name and its operation as one writes it; a source's name."""
    layer = node.layer
    if not node.bottom:
        return layer.name
    symbol = _GATES.get(layer.type, lambda _: layer.type)(node)
    return symbol if layer.type == "Split" or symbol == layer.name else f"{layer.name}: {symbol}"


def _window(node: Node) -> str:
    """``3x3, stride 2, pad 1`` of a convolution."""
    p = node.layer.layer_param.convolution_param
    sizes = node.layer.blobs[0].shape[2:]
    words = ["x".join(map(str, sizes))]
    words += _unless("stride", list(p.stride) or [p.stride_h, p.stride_w], (0, 1))
    words += _unless("pad", list(p.pad) or [p.pad_h, p.pad_w], (0,))
    words += _unless("dilation", list(p.dilation), (1,))
    words += _unless("group", [p.group], (1,))
    return ", ".join(words)


def _unless(name: str, values: list[int], plain: tuple[int, ...]) -> list[str]:
    """The setting in words, where it is not the plain one."""
    if all(value in plain for value in values):
        return []
    return [f"{name} {'x'.join(map(str, dict.fromkeys(values)))}"]


def _pooling(node: Node) -> str:
    p = node.layer.layer_param.pooling_param
    method = p.PoolMethod.Name(p.pool)
    if p.global_pooling:
        return f"{method} of all"
    size = f"{p.kernel_h or p.kernel_size}x{p.kernel_w or p.kernel_size}"
    words = [f"{method} {size}"]
    words += _unless("stride", [p.stride_h, p.stride_w] if p.stride_h else [p.stride], (1,))
    words += _unless("pad", [p.pad_h, p.pad_w] if p.pad_h else [p.pad], (0,))
    return ", ".join(words)


def _eltwise(node: Node) -> str:
    p = node.layer.layer_param.eltwise_param
    return str(p.EltwiseOp.Name(p.operation))


def _reduction(node: Node) -> str:
    p = node.layer.layer_param.reduction_param
    return str(p.ReductionOp.Name(p.operation))


def _python(node: Node) -> str:
    return str(node.layer.layer_param.python_param.layer)


def _dropout(node: Node) -> str:
    return f"{node.layer.layer_param.dropout_param.dropout_ratio:g}"


def _lrn(node: Node) -> str:
    return f"over {node.layer.layer_param.lrn_param.local_size}"


_DETAILS: dict[str, Callable[[Node], str]] = {
    "Convolution": _window,
    "ConvolutionDepthwise": _window,
    "Deconvolution": _window,
    "DepthwiseConvolution": _window,
    "Dropout": _dropout,
    "Eltwise": _eltwise,
    "LRN": _lrn,
    "Pooling": _pooling,
    "Python": _python,
    "Reduction": _reduction,
}


def _linear(scale: float, shift: float) -> str:
    """``x``, ``-x``, ``2 x + 1``."""
    factor = {1.0: "", -1.0: "\N{MINUS SIGN}"}.get(scale, f"{scale:g} ")
    return f"{factor}x" + (f" {'+' if shift > 0 else '-'} {abs(shift):g}" if shift else "")


def _exp_gate(node: Node) -> str:
    """``exp``, ``2^x``, ``exp(-x)``."""
    p = node.layer.layer_param.exp_param
    inner = _linear(p.scale, p.shift)
    if p.base == -1:
        return "exp" if inner == "x" else f"exp({inner})"
    return f"{p.base:g}^{inner}" if inner == "x" else f"{p.base:g}^({inner})"


def _log_gate(node: Node) -> str:
    """``log``, ``log2(x)``, ``log(2 x)``."""
    p = node.layer.layer_param.log_param
    inner = _linear(p.scale, p.shift)
    if p.base == -1:
        return "log" if inner == "x" else f"log({inner})"
    return f"log{p.base:g}({inner})"


def _power_gate(node: Node) -> str:
    """``1/x``, ``-1 x``, ``x + 1``, ``(2 x + 1)^3``."""
    p = node.layer.layer_param.power_param
    inner = _linear(p.scale, p.shift)
    if p.power == 1:
        return inner
    inner = f"({inner})" if inner != "x" else inner
    return f"1/{inner}" if p.power == -1 else f"{inner}^{p.power:g}"


def _eltwise_gate(node: Node) -> str:
    p = node.layer.layer_param.eltwise_param
    if p.operation == p.SUM and list(p.coeff) == [1, -1]:
        return "\N{MINUS SIGN}"
    if p.operation == p.SUM and p.coeff:
        return "sum of " + ", ".join(f"{value:g} x{i}" for i, value in enumerate(p.coeff))
    signs: dict[Any, str] = {p.SUM: "+", p.PROD: "\N{MULTIPLICATION SIGN}", p.MAX: "max"}
    return signs[p.operation]


_GATES: dict[str, Callable[[Node], str]] = {
    "Eltwise": _eltwise_gate,
    "Exp": _exp_gate,
    "Log": _log_gate,
    "Power": _power_gate,
    "Sigmoid": lambda _: "sigmoid",
    "Split": lambda _: "branch",
    "TanH": lambda _: "tanh",
}
