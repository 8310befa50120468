"""What the benchmark found: a table for people, JSON for programs, a plot where that can be."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.bench.compare import Result, Timing

_HEADS = (
    "net", "threads", "precision", "engine", "min ms", "median ms", "ratio",
    "GFLOP/s", "of sgemm", "peak MB", "first step s",
)  # fmt: skip


def markdown(results: Sequence[Result]) -> str:
    """A table with a row for every process; ratio: the best peer's fastest step over its own."""
    lines = [machine(), "", _row(_HEADS), _row(["---"] * 4 + ["---:"] * 7)]
    for result in results:
        lines += [_row(_cells(result, timing)) for timing in result.timings]
    if any(not timing.ms for result in results for timing in result.timings):
        lines += ["", "\\* others computed on the machine in every round"]
    return "\n".join(lines) + "\n"


def machine() -> str:
    """The processor and the software, in a line."""
    return (
        f"{_processor()}, {platform.system()}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    )


def write(results: Sequence[Result], folder: Path) -> list[Path]:
    """Writes train.md, train.json and, if matplotlib is there, train.png."""
    folder.mkdir(parents=True, exist_ok=True)
    table, data = folder / "train.md", folder / "train.json"
    table.write_text(markdown(results))
    content = {"machine": machine(), "results": [_as_dict(result) for result in results]}
    data.write_text(json.dumps(content, indent=1) + "\n")
    return [table, data, *_plot(results, folder / "train.png")]


def _cells(result: Result, timing: Timing) -> list[str]:
    peer, speed = result.best_peer, result.flops / timing.least / 1e6
    share = 1e9 * speed / result.sgemm_flops_per_second
    return [
        result.net,
        str(result.threads),
        result.precision,
        timing.name + ("" if timing.ms else " \\*"),
        f"{timing.least:.1f}",
        f"{timing.median:.1f}",
        f"{peer.least / timing.least:.2f}" if peer else "",
        f"{speed:.0f}",
        f"{share:.0%}",
        f"{timing.peak_bytes / 2**20:.0f}",
        f"{timing.first_step_seconds:.2f}",
    ]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _as_dict(result: Result) -> dict[str, Any]:
    peer = result.best_peer
    return {
        "net": result.net,
        "threads": result.threads,
        "precision": result.precision,
        "flops": result.flops,
        "sgemm_flops_per_second": result.sgemm_flops_per_second,
        "ratio": peer.least / result.ours.least if peer else None,
        "engines": [
            {
                "name": timing.name,
                "min_ms": timing.least,
                "median_ms": timing.median,
                "steps": len(timing.steps),
                "quiet": bool(timing.ms),
                "peak_bytes": timing.peak_bytes,
                "first_step_seconds": timing.first_step_seconds,
            }
            for timing in result.timings
        ],
    }


def _plot(results: Sequence[Result], path: Path) -> list[Path]:
    """Bars of each net's ratio to the best peer; nothing without matplotlib or a peer."""
    bars = [
        (
            f"{result.net}, {result.precision}, {result.threads} threads",
            peer.least / result.ours.least,
        )
        for result in results
        if (peer := result.best_peer)
    ]
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return []
    if not bars:
        return []
    figure = Figure(figsize=(7, 1 + 0.35 * len(bars)), layout="constrained")
    axes = figure.subplots()
    axes.barh([name for name, _ in bars], [ratio for _, ratio in bars])
    axes.axvline(1, color="black", linewidth=1)
    axes.invert_yaxis()
    axes.set_xlabel("speed of a training step, best PyTorch variant = 1")
    figure.savefig(path, dpi=120)
    return [path]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
