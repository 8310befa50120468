"""Decision regions by depth: what one, two and three layers of units can cut out of the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Net
from layers.blob import Array
from tools.console.table import table
from tools.plotting import figures
from tools.plotting.decision import classify, draw_regions
from tools.topics.desk import Desk, quiet_solver

ROWS = {
    "one_layer": (
        [2, 1],
        "half-space",
        "one unit: the side of a line\nwhere w x + b > 0",
    ),
    "two_layers_open": (
        [2, 2, 1],
        "convex polyhedron,\nopen",
        "the second layer is AND:\nwhere half-spaces meet",
    ),
    "two_layers": (
        [2, 3, 1],
        "convex polyhedron,\nclosed",
        "AND of enough half-spaces\nto go round",
    ),
    "three_layers": (
        [2, 7, 2, 1],
        "any region",
        "the third layer is OR:\npolyhedra united",
    ),
}
LIMITS = (-2.0, 2.0)
SEED = 7  # of the points that are learned from


def run(desk: Desk) -> None:
    """Draws the table of the three depths, regions set by hand beside learned ones."""
    nets = {name: (desk.net(name), learn(desk, name)) for name in ROWS}
    rows = []
    for name, (sizes, kind, _) in ROWS.items():
        by_hand, learned = nets[name]
        agree = agreement(by_hand, learned)
        words = " ".join(kind.split())
        rows.append([_title(name), "-".join(map(str, sizes)), words, f"{agree:.1%}"])
    desk.say(table(["", "units", "region", "learned net agrees"], rows, (3,)))
    desk.figure("decision_regions.png", lambda: _figure(nets))


def _title(name: str) -> str:
    """``two_layers_open`` as one says it: two layers."""
    return name.removesuffix("_open").replace("_", " ")


def points(count: int, seed: int = SEED) -> Array:
    """Points spread evenly at random over the square."""
    return np.random.default_rng(seed).uniform(*LIMITS, (count, 2))


def learn(desk: Desk, name: str) -> Net:
    """A net of sigmoid units, trained on points that the net set by hand has classified."""
    solver = quiet_solver(desk, f"{name}_learned")
    samples = points(solver.net.blobs["x"].shape[0])
    solver.net.blobs["x"].data = samples
    solver.net.blobs["inside"].data = classify(desk.net(name), samples)[:, None]
    solver.step(solver.param.max_iter)
    return solver.net


def agreement(by_hand: Net, learned: Net) -> float:
    """The share of new points that two nets put into the same class."""
    new = points(20_000, SEED + 1)
    same = classify(by_hand, new) == classify(learned, new, threshold=0)
    return float(same.mean())


def _figure(nets: dict[str, tuple[Net, Net]]) -> Any:
    from matplotlib.patches import Patch

    figure = figures.new_figure(12.5, 11.2)
    all_axes = figure.subplots(len(ROWS), 5, width_ratios=[1.3, 1, 1.35, 1.5, 1.5])
    heads = ["structure", "type of region", "interpretation", "unit steps, set by hand", "learned"]
    for axes, head in zip(all_axes[0], heads, strict=True):
        axes.set_title(head, fontsize=12, fontweight="bold", pad=12)
    for row, (name, (sizes, kind, words)) in zip(all_axes, ROWS.items(), strict=True):
        for axes in row[:3]:
            axes.set_axis_off()
        _structure(row[0], sizes)
        for axes, text in zip(row[1:3], (kind, words), strict=True):
            axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=11)
            axes.set(xlim=(0, 1), ylim=(0, 1))
        by_hand, learned = nets[name]
        draw_regions(row[3], by_hand, limits=LIMITS)
        draw_regions(row[4], learned, limits=LIMITS, threshold=0)
        _scatter(row[4], by_hand)
    patches = [
        Patch(color=colour, alpha=0.35, label=f"the net says {index}")
        for index, colour in enumerate(figures.COLOURS[:2])
    ]
    figure.legend(handles=patches, loc="outside lower right", ncols=2)
    return figure


def _scatter(axes: Any, by_hand: Net) -> None:
    """Some of the points that were learned from, by their class."""
    some = points(600)[:150]
    labels = classify(by_hand, some)
    for index, marker in enumerate("os"):
        chosen = some[labels == index]
        axes.scatter(
            *chosen.T, s=11, marker=marker, color=figures.COLOURS[index], edgecolor="white", lw=0.3
        )


def _structure(axes: Any, sizes: list[int]) -> None:
    """A net of circles: the units of each layer in a column."""
    places = [
        [(index * 1.3, (row - (size - 1) / 2) * min(0.8, 3.6 / size)) for row in range(size)]
        for index, size in enumerate(sizes)
    ]
    for left, right in zip(places, places[1:], strict=False):
        for start in left:
            for end in right:
                axes.plot(*zip(start, end, strict=True), color="#999999", lw=0.8, zorder=1)
    for index, column in enumerate(places):
        fill = "#d6ebf7" if index == 0 else "#fdeac4"
        axes.scatter(*zip(*column, strict=True), s=150, color=fill, edgecolor="#222222", zorder=2)
    axes.set(xlim=(-0.5, 4.4), ylim=(-2.1, 2.1))
