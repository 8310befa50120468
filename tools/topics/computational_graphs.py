"""Computational graphs: an expression as a net of gates, drawn with values and gradients."""

from __future__ import annotations

from tools.console.table import table
from tools.topics.desk import Desk, gradients

NEURON = ["w0", "x0", "w1", "x1", "w2"]


def run(desk: Desk) -> None:
    """Runs f = (x + y) z and the sigmoid neuron, gate by gate and with sigmoid as one gate."""
    net = desk.drawn("computational_graphs")
    found = gradients(net, ["x", "y", "z"])
    desk.say("f = (x + y) z at x = -2, y = 5, z = -4")
    desk.say(f"  f = {net.blobs['f'].data.item():g}")
    desk.say("  " + ", ".join(f"df/d{name} = {value:g}" for name, value in found.items()))
    gates, one = desk.drawn("sigmoid_neuron"), desk.drawn("sigmoid_gate")
    desk.say("\nf = 1 / (1 + exp(-(w0 x0 + w1 x1 + w2))) at w = (2, -3, -3), x = (-1, -2)")
    s = one.blobs["f"].data.item()
    desk.say(f"  f = {s:.6f}, and as one gate df/ds = f (1 - f) = {s * (1 - s):.6f}\n")
    by_gates, by_one = gradients(gates, NEURON), gradients(one, NEURON)
    rows = [[f"df/d{name}", f"{by_gates[name]:.6f}", f"{by_one[name]:.6f}"] for name in NEURON]
    desk.say(table(["", "gate by gate", "one sigmoid gate"], rows, (1, 2)))
