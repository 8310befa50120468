"""The sensitivity recursion: delta of each layer by formula, by backward and by differences."""

from __future__ import annotations

import numpy as np

from engine import Net
from engine.net.derivatives import numerical_gradient
from engine.net.gradient_check import NetCheck
from layers.blob import Array
from tools.console.table import table
from tools.topics.desk import Desk

LAYERS = (3, 2, 1)  # from the last one down, as the recursion runs


def run(desk: Desk) -> None:
    """Prints delta of every unit computed in the three ways, and draws the net."""
    net = desk.drawn("sensitivity")
    ways = by_formula(net), by_backward(net), by_differences(net)
    rows = [
        [f"delta{layer}[{unit}]", *(f"{way[layer][unit]:.10f}" for way in ways)]
        for layer in LAYERS
        for unit in range(len(ways[0][layer]))
    ]
    desk.say("delta = dE/dnet: how the error changes with what goes into each unit\n\n")
    desk.say(table(["", "formula", "backward", "differences"], rows, (1, 2, 3)))
    apart = max(
        float(np.abs(way[layer] - ways[0][layer]).max()) for way in ways for layer in LAYERS
    )
    desk.say(f"\nThe three differ by {apart:.0e} at most.")


def by_formula(net: Net) -> dict[int, Array]:
    """The recursion itself, from the values of a forward pass and the weights."""

    def value(name: str) -> Array:
        return net.blobs[name].data[0]

    deltas: dict[int, Array] = {}
    for layer in LAYERS:
        a = value(f"a{layer}")
        slope = a * (1 - a)  # f'(net) of the sigmoid
        if layer == LAYERS[0]:
            deltas[layer] = 2 * (a - value("z")) * slope
        else:
            weights = net.params[f"net{layer + 1}"][0].data
            deltas[layer] = slope * (weights.T @ deltas[layer + 1])
    return deltas


def by_backward(net: Net) -> dict[int, Array]:
    """What the layers' backward left beside each net input."""
    return {layer: net.blobs[f"net{layer}"].diff[0].copy() for layer in LAYERS}


def by_differences(net: Net) -> dict[int, Array]:
    """Central differences: a unit's bias goes into it as it is, so dE/db = delta."""
    check = NetCheck(net)
    biases = {v.name: v.values for v in check.variables() if v.name.endswith("param 1")}
    return {
        layer: numerical_gradient(check.objective, biases[f"net{layer} param 1"])
        for layer in LAYERS
    }
