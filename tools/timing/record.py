"""What ``demitasse time --json`` prints."""

from __future__ import annotations

from typing import Any

from engine.net.gradient_flow import Node
from engine.net.work import param_bytes, top_bytes, work_of
from tools.timing.kernels import Kernel
from tools.timing.stopwatch import Passes, Stopwatch


def record(watch: Stopwatch) -> dict[str, Any]:
    """The whole net and each layer: milliseconds of both directions, work and bytes."""
    rows = zip(watch.net.nodes, watch.forward, watch.backward, watch.kernels, strict=True)
    return {
        "iterations": len(watch.whole.seconds),
        "forward_backward": _times(watch.whole),
        "layers": [_layer(*row) for row in rows],
    }


def _layer(node: Node, forward: Passes, backward: Passes, kernel: Kernel) -> dict[str, Any]:
    work = work_of(node)
    return {
        "name": node.layer.name,
        "type": node.layer.type,
        "engine": kernel.engine,
        "kernel": {"forward": kernel.forward, "backward": kernel.backward},
        "why": kernel.why,
        "forward": _times(forward) if forward.seconds else None,
        "backward": _times(backward) if backward.seconds else None,
        "operations": {"forward": work.forward, "backward": work.backward},
        "top_bytes": top_bytes(node),
        "parameter_bytes": param_bytes(node),
    }


def _times(passes: Passes) -> dict[str, float]:
    return {"least_ms": 1e3 * passes.least, "median_ms": 1e3 * passes.median}
