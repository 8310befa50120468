"""What ``demitasse time`` prints and writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.net.work import param_bytes, top_bytes, work_of
from tools.console.units import in_bytes
from tools.timing.kernels import NUMPY, Kernel
from tools.timing.stopwatch import Passes, Stopwatch

_NAME, _TYPE = 16, 13  # columns; with the others a line has 100
_KERNEL = 20
_HEADS = ("forward", "median", "backward", "median", "share", "GF/s", "tops", "params")


def table(watch: Stopwatch, parameter_bytes: int) -> str:
    """A line a layer and one for all: milliseconds, share of the whole, speed, bytes, kernel.

    Of a compiled net, what computes each layer follows in lines of their own.
    """
    lines = [_line("layer", "type", _HEADS, "by" if watch.compiled else "kernel")]
    total = sum(p.least for p in (*watch.forward, *watch.backward)) or 1.0
    rows = zip(watch.net.nodes, watch.forward, watch.backward, watch.kernels, strict=True)
    flops = tops = 0
    for node, forward, backward, kernel in rows:
        work, size = work_of(node), top_bytes(node)
        operations = work.forward + work.backward
        seconds = forward.least + backward.least
        flops, tops = flops + operations, tops + size
        cells = _cells(forward, backward, seconds / total, operations, size, param_bytes(node))
        by = _by(kernel) if watch.compiled else kernel.forward
        lines.append(_line(node.layer.name, node.layer.type, cells, by))
    forward, backward = _sum(watch.forward), _sum(watch.backward)
    cells = _cells(forward, backward, 1.0, flops, tops, parameter_bytes)
    lines.append(_line("all layers", "", cells, ""))
    lines.append(
        f"forward and backward: {1e3 * watch.whole.least:.2f} ms at least, "
        f"{1e3 * watch.whole.median:.2f} ms median of {len(watch.whole.seconds)} passes"
    )
    return "\n".join(lines + (_kernels(watch) if watch.compiled else []))


def write_trace(watch: Stopwatch, path: Path) -> None:
    """Writes all passes as Chrome's trace events."""
    origin = min((p.starts[0] for p in watch.forward if p.starts), default=0.0)
    events: list[dict[str, Any]] = []
    for direction, all_passes in (("forward", watch.forward), ("backward", watch.backward)):
        rows = zip(watch.net.nodes, all_passes, watch.kernels, strict=True)
        for node, passes, kernel in rows:
            events += [
                {
                    "name": node.layer.name,
                    "cat": direction,
                    "ph": "X",  # a complete event: start and duration in microseconds
                    "ts": 1e6 * (start - origin),
                    "dur": 1e6 * seconds,
                    "pid": 1,
                    "tid": direction,
                    "args": {"type": node.layer.type, "kernel": getattr(kernel, direction)},
                }
                for start, seconds in zip(passes.starts, passes.seconds, strict=True)
            ]
    path.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}) + "\n")


def _by(kernel: Kernel) -> str:
    """The engine; of a fused layer, the one it is fused into."""
    if kernel.engine == NUMPY:
        return NUMPY
    return kernel.why or "oneDNN"


def _kernels(watch: Stopwatch) -> list[str]:
    """The implementations of each layer that is computed on its own, or why it has none."""
    lines = ["", f"{'layer':<{_NAME}} {'forward':<{_KERNEL}} backward"]
    for node, kernel in zip(watch.net.nodes, watch.kernels, strict=True):
        name = f"{_short(node.layer.name, _NAME):<{_NAME}}"
        if kernel.engine == NUMPY and kernel.why:
            way = f" {kernel.forward}" if kernel.forward else ""
            lines.append(f"{name} {NUMPY}{way}: {kernel.why}")
        elif kernel.forward or kernel.backward:
            lines.append(f"{name} {kernel.forward:<{_KERNEL}} {kernel.backward}".rstrip())
    return lines


def _cells(
    forward: Passes, backward: Passes, share: float, flops: int, tops: int, params: int
) -> list[str]:
    seconds = forward.least + backward.least
    times = (forward.least, forward.median, backward.least, backward.median)
    return [
        *(f"{1e3 * value:.2f}" if value else "" for value in times),
        f"{share:.1%}" if seconds else "",
        f"{flops / seconds / 1e9:.0f}" if flops and seconds else "",
        in_bytes(tops),
        in_bytes(params),
    ]


def _line(name: str, kind: str, cells: Sequence[str], kernel: str) -> str:
    numbers = "".join(
        f"{cell:>{width}}" for cell, width in zip(cells, (8, 8, 9, 8, 7, 5, 6, 7), strict=True)
    )
    names = f"{_short(name, _NAME):<{_NAME}} {_short(kind, _TYPE):<{_TYPE}}"
    return f"{names}{numbers} {kernel}".rstrip()


def _short(text: str, width: int) -> str:
    """Cut in the middle where it is too long: names mostly differ at their ends."""
    if len(text) <= width:
        return text
    head = (width - 2) // 2
    return text[:head] + ".." + text[len(text) - (width - 2 - head) :]


def _sum(passes: Sequence[Passes]) -> Passes:
    """The times of all layers, pass by pass."""
    measured = [p.seconds for p in passes if p.seconds]
    return Passes([], [sum(values) for values in zip(*measured, strict=True)])
