"""What ``debug_info: true`` prints: the mean size of every value and gradient."""

from __future__ import annotations

import logging

import numpy as np

from engine.net.gradient_flow import Node
from layers.blob import Array

log = logging.getLogger("demitasse")


def trace_forward(node: Node) -> None:
    """Logs the mean absolute value of the tops and parameters of a layer just run."""
    for blob in node.top:
        _trace("forward", node, f"top {blob.name}", blob.data)
    for index, blob in enumerate(node.layer.blobs):
        _trace("forward", node, f"param {index}", blob.data)


def trace_backward(node: Node) -> None:
    """Logs the mean absolute gradient of the bottoms and parameters of a layer just run."""
    for blob, wanted in zip(node.bottom, node.propagate_down, strict=True):
        if wanted:
            _trace("backward", node, f"bottom {blob.name}", blob.diff)
    for index, blob in enumerate(node.layer.blobs):
        if node.layer.param_propagate_down[index]:
            _trace("backward", node, f"param {index}", blob.diff)


def _trace(direction: str, node: Node, what: str, array: Array) -> None:
    mean = float(np.abs(array).mean()) if array.size else 0.0
    log.info("[%s] layer %s, %s: %.6g", direction, node.layer.name, what, mean)
