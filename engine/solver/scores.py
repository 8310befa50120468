"""The outputs of a net as named numbers."""

from __future__ import annotations

import numpy as np

from engine.net import Net
from layers.blob import Array


def mean_outputs(net: Net, iterations: int) -> dict[str, float]:
    """The mean over so many batches of each output (of each number of it, if several)."""
    totals: dict[str, Array] = {}
    for _ in range(iterations):
        for name, values in net.forward().items():
            totals[name] = totals.get(name, 0) + values.astype(np.float64)
    return {
        label: value / iterations
        for name, total in totals.items()
        for label, value in _numbers(name, total)
    }


def scalar_outputs(net: Net) -> dict[str, float]:
    """The outputs of a net that are single numbers."""
    blobs = ((name, net.blobs[name]) for name in net.outputs)
    return {name: float(blob.data.item()) for name, blob in blobs if blob.count == 1}


def _numbers(name: str, values: Array) -> list[tuple[str, float]]:
    if values.size == 1:
        return [(name, float(values.item()))]
    return [(f"{name}[{index}]", float(value)) for index, value in enumerate(values.flat)]
