"""What ``debug_info: true`` prints: the mean size of every value and gradient."""

from __future__ import annotations

import logging
import math

import numpy as np

from engine.net.gradient_flow import Node
from layers.blob import Array

log = logging.getLogger("demitasse")


class Tracer:
    """Follows one net while it runs, and names the layer where numbers first go wrong."""

    def __init__(self) -> None:
        self._named = False

    def forward(self, node: Node) -> None:
        """Logs the mean absolute value of the tops and parameters of a layer just run."""
        for blob in node.top:
            self._trace("forward", node, f"top {blob.name}", blob.data)
        for index, blob in enumerate(node.layer.blobs):
            self._trace("forward", node, f"param {index}", blob.data)

    def backward(self, node: Node) -> None:
        """Logs the mean absolute gradient of the bottoms and parameters of a layer just run."""
        for blob, wanted in zip(node.bottom, node.propagate_down, strict=True):
            if wanted:
                self._trace("backward", node, f"bottom {blob.name}", blob.diff)
        for index, blob in enumerate(node.layer.blobs):
            if node.layer.param_propagate_down[index]:
                self._trace("backward", node, f"param {index}", blob.diff)

    def _trace(self, direction: str, node: Node, what: str, array: Array) -> None:
        mean = float(np.abs(array).mean()) if array.size else 0.0
        log.info("[%s] layer %s, %s: %.6g", direction, node.layer.name, what, mean)
        if not self._named and not math.isfinite(mean):
            self._named = True
            wrong = "NaN" if np.isnan(array).any() else "infinity"
            log.warning(
                'layer "%s" (%s) is the first to hold %s: in %s of its %s pass',
                node.layer.name,
                node.layer.type,
                wrong,
                what,
                direction,
            )
