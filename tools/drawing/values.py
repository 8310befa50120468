"""What flows through a net: values and gradients of blobs, local times upstream at gates."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import numpy as np

from engine import Net
from engine.net.gradient_flow import Node
from layers import Blob
from layers.blob import Array

log = logging.getLogger("demitasse")

_SHOWN = 4  # elements of a blob that are written out


def tell_of_ends(nodes: Iterable[Node]) -> None:
    """Says which layers no gradient passes."""
    for node in nodes:
        layer = node.layer
        log.warning(
            'layer "%s" (%s) has no derivative: no gradient goes below it', layer.name, layer.type
        )


def edge_values(blob: Blob, has_gradient: bool) -> tuple[str, str]:
    """The value and the gradient of a blob as text; no gradient where none is computed."""
    return number_text(blob.data), number_text(blob.diff) if has_gradient else ""


def number_text(values: Array) -> str:
    """A number, a short list, or the size of a long one."""
    flat = values.reshape(-1)
    if flat.size == 1:
        return _short(float(flat[0]))
    if flat.size <= _SHOWN:
        return f"[{' '.join(_short(float(value)) for value in flat)}]"
    return f"mean |.| {_short(float(np.abs(flat).mean()))}"


def gate_lines(net: Net, node: Node) -> list[str]:
    """For each bottom of a scalar gate: local gradient x upstream gradient = gradient."""
    scalar = all(blob.count == 1 for blob in (*node.bottom, *node.top))
    if not scalar or len(node.top) != 1 or not node.need_backward:
        return []
    upstream = float(node.top[0].diff.reshape(-1)[0])
    lines = []
    for blob, local in zip(node.bottom, local_gradients(node), strict=True):
        if local is not None:
            product = _short(local * upstream)
            times = f"{_short(local)} \N{MULTIPLICATION SIGN} {_signed(upstream)}"
            lines.append(f"d/d{plain_name(net, blob)}: {times} = {product}")
    return lines


def local_gradients(node: Node) -> list[float | None]:
    """The derivative of a scalar gate's output by each input, None where it gives none.

    Backward with an upstream gradient of 1; all gradients are put back as they were.
    """
    layer, blobs = node.layer, [*node.bottom, *node.top, *node.layer.blobs]
    kept = [blob.diff.copy() for blob in blobs]
    node.top[0].diff[...] = 1
    layer.backward(node.top, node.propagate_down, node.bottom)
    wanted = zip(node.bottom, node.propagate_down, strict=True)
    found = [float(blob.diff.reshape(-1)[0]) if down else None for blob, down in wanted]
    for blob, diff in zip(blobs, kept, strict=True):
        blob.diff = diff
    return found


def plain_name(net: Net, blob: Blob) -> str:
    """The name of a blob; of a copy that a split made, that of the original."""
    for node in net.nodes:
        if node.layer.type == "Split" and blob in node.top:
            return plain_name(net, node.bottom[0])
    return blob.name


def _signed(value: float) -> str:
    return f"({_short(value)})" if value < 0 else _short(value)


def _short(value: float) -> str:
    """Four significant digits, without a minus before zero."""
    return f"{value:.4g}".replace("-", "\N{MINUS SIGN}") if value else "0"
