"""Convolutional contrast: an MLP and LeNet of as many parameters, on digits and on moved digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Net, Solver
from layers.blob import Array
from tools.console.table import table
from tools.plotting import figures
from tools.plotting.filters import draw_images, filter_images
from tools.topics.desk import Desk, held_out_accuracy, trained

NETS = {"MLP": "mlp", "LeNet": "convolution"}
FIRST = {"MLP": "hidden", "LeNet": "conv1"}
MOVES = ((0, 3), (0, -3), (3, 0), (-3, 0))  # pixels down and to the right


def run(desk: Desk) -> None:
    """Trains both, compares their scores, and draws the weights of their first layers."""
    solvers = {name: trained(desk, config) for name, config in NETS.items()}
    rows = []
    for name, solver in solvers.items():
        first = solver.net.params[FIRST[name]]
        rows.append(
            [
                name,
                f"{parameters(solver.net):,}",
                f"{sum(blob.count for blob in first):,}",
                f"{held_out_accuracy(solver):.1%}",
                f"{moved_accuracy(solver):.1%}",
            ]
        )
    head = ["", "parameters", "in the first layer", "right", "right, moved by 3 pixels"]
    desk.say(table(head, rows, (1, 2, 3, 4)))
    images = {name: first_images(solver.net, FIRST[name]) for name, solver in solvers.items()}
    desk.figure("convolution.png", lambda: _figure(images))


def parameters(net: Net) -> int:
    """How many numbers the net learns."""
    return sum(param.blob.count for param in net.learnable)


def moved_accuracy(solver: Solver) -> float:
    """The share of the held-out digits that are right when moved, whichever way."""
    net = solver.test_nets[0]
    net.share_with(solver.net)
    scores = []
    for _ in range(solver.param.test_iter[0]):
        net.forward_from_to(0, 0)
        digits = net.blobs["data"].data.copy()
        for move in MOVES:
            net.blobs["data"].data = np.roll(digits, move, axis=(2, 3))
            net.forward_from_to(1, len(net.nodes) - 1)
            scores.append(net.blobs["accuracy"].data.item())
    return float(np.mean(scores))


def first_images(net: Net, layer: str) -> Array:
    """The first twenty filters, or rows of weights, as images."""
    return filter_images(next(node for node in net.nodes if node.layer.name == layer))[:20]


def _figure(images: dict[str, Array]) -> Any:
    figure = figures.new_figure(12, 5)
    words = {"MLP": "20 of 542 units, 28 x 28 each", "LeNet": "all 20 filters, 5 x 5 each"}
    for part, (name, some) in zip(figure.subfigures(1, 2), images.items(), strict=True):
        all_axes = part.subplots(4, 5)
        shown = draw_images(all_axes.ravel(), some)
        part.suptitle(f"{name}: first layer, {words[name]}", fontweight="bold", fontsize=12)
        part.colorbar(shown, ax=all_axes, label="weight", shrink=0.8)
    return figure
