"""Deeper or wider: one budget of parameters spent on one to four hidden layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.console.table import table
from tools.plotting import figures
from tools.topics.desk import Desk, held_out_accuracy, trained

BUDGET = 100_000  # parameters
DEPTHS = (1, 2, 3, 4)
SEEDS = (1, 2, 3)


def run(desk: Desk) -> None:
    """Trains each depth from three seeds, and draws its scores."""
    scores = {depth: [score(desk, depth, seed) for seed in SEEDS] for depth in DEPTHS}
    rows = [
        [
            str(depth),
            str(width(depth)),
            f"{parameters(depth, width(depth)):,}",
            f"{np.mean(found):.1%}",
            " ".join(f"{value:.1%}" for value in found),
        ]
        for depth, found in scores.items()
    ]
    head = ["hidden layers", "units in each", "parameters", "right", "by seed"]
    desk.say(table(head, rows, (0, 1, 2, 3)))
    desk.figure("depth.png", lambda: _figure(scores))


def parameters(depth: int, units: int) -> int:
    """Weights and biases of a net from 784 inputs to ten scores."""
    sizes = [784, *[units] * depth, 10]
    return sum((n + 1) * m for n, m in zip(sizes, sizes[1:], strict=False))


def width(depth: int) -> int:
    """The most units a layer may have within the budget."""
    units = 1
    while parameters(depth, units + 1) <= BUDGET:
        units += 1
    return units


def score(desk: Desk, depth: int, seed: int) -> float:
    """The share of the held-out digits that are right after training."""
    settings = [f"vars.depth={depth}", f"vars.width={width(depth)}", f"solver.random_seed={seed}"]
    return held_out_accuracy(trained(desk, "depth", settings))


def _figure(scores: dict[int, list[float]]) -> Any:
    figure = figures.new_figure(7, 4.3)
    axes = figure.add_subplot()
    percent = np.array(list(scores.values())) * 100
    for index in range(len(SEEDS)):
        label = "one run" if index == 0 else None
        # Left of the line, where the mean does not hide them.
        at = np.array(DEPTHS) - 0.08
        axes.plot(at, percent[:, index], "o", color=figures.COLOURS[4], ms=6, label=label)
    axes.plot(DEPTHS, percent.mean(axis=1), "s-", color=figures.COLOURS[0], label="mean")
    for depth, mean in zip(DEPTHS, percent.mean(axis=1), strict=True):
        axes.annotate(
            f"{width(depth)} units",
            (depth, mean),
            (8, -16),
            textcoords="offset points",
            fontsize=10,
        )
    axes.set(xlabel="hidden layers", ylabel="held-out digits right (%)", xticks=DEPTHS)
    axes.set(xlim=(0.7, 4.6), ylim=(percent.min() - 1, percent.max() + 1))
    axes.set_title(f"{BUDGET:,} parameters in equally wide hidden layers", fontsize=11, loc="left")
    axes.legend(loc="upper left")
    return figure
