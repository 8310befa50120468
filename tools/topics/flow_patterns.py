"""Patterns in backward flow: what add, max, multiply and a branch do with a gradient of 2."""

from __future__ import annotations

from tools.console.table import table
from tools.topics.desk import Desk, gradients

PATTERNS = {
    "add": "distributes: both inputs get the upstream gradient",
    "max": "routes: the larger input gets it all, the other nothing",
    "multiply": "swaps: each input gets it times the other's value",
    "branch": "adds: what comes back from both ways is summed",
}


def run(desk: Desk) -> None:
    """Draws one small graph for each pattern, and lists its gradients."""
    rows = []
    for name, words in PATTERNS.items():
        net = desk.drawn(name)
        inputs = [name for name in ("x", "y") if name in net.blobs]
        values = ", ".join(f"{name} = {net.blobs[name].data.item():g}" for name in inputs)
        found = ", ".join(f"df/d{key} = {value:g}" for key, value in gradients(net, inputs).items())
        rows.append([name, values, found, words])
    desk.say(table(["gate", "at", "gradients", "what it does"], rows))
