"""Gradient descent on an error surface: the path of each solver over the same valley."""

from __future__ import annotations

from typing import Any

import numpy as np

from layers.blob import Array
from tools.console.table import table
from tools.plotting import figures
from tools.topics.desk import Desk, quiet_solver

BEST = (1.0, -0.5)  # the weights that the targets were made with
METHODS = {
    "SGD": ["type=SGD", "base_lr=0.4"],
    "SGD with momentum": ["type=SGD", "base_lr=0.1", "momentum=0.8"],
    "Nesterov": ["type=Nesterov", "base_lr=0.1", "momentum=0.8"],
    "AdaGrad": ["type=AdaGrad", "base_lr=0.6"],
    "RMSProp": ["type=RMSProp", "base_lr=0.1", "rms_decay=0.9"],
    "Adam": ["type=Adam", "base_lr=0.25", "momentum=0.9"],
}


def run(desk: Desk) -> None:
    """Follows six solvers for forty steps each, and draws their paths."""
    paths = {name: path(desk, name) for name in METHODS}
    surface = Surface(desk)
    rows = [
        [
            name,
            ", ".join(METHODS[name]),
            *(f"{surface.loss(found[i]):.2e}" for i in (0, 10, 20, 40)),
        ]
        for name, found in paths.items()
    ]
    head = ["", "settings", "loss at 0", "at 10", "at 20", "at 40"]
    desk.say(table(head, rows, (2, 3, 4, 5)))
    desk.figure("descent.png", lambda: _figure(paths, surface))


def path(desk: Desk, method: str) -> Array:
    """The weights at the start and after each step: (steps + 1, 2)."""
    settings = [f"solver.{setting}" for setting in METHODS[method]]
    solver = quiet_solver(desk, "descent", settings)
    weights = solver.net.params["y"][0].data
    found = [weights[0].copy()]
    for _ in range(solver.param.max_iter):
        solver.step(1)
        found.append(weights[0].copy())
    return np.array(found)


class Surface:
    """The loss of the net as a function of its two weights."""

    def __init__(self, desk: Desk):
        net = desk.net("descent")
        net.forward()
        self.x, self.t = net.blobs["x"].data.copy(), net.blobs["t"].data[:, 0].copy()

    def loss(self, weights: Array) -> Any:
        """Half the mean squared error, for any number of pairs of weights."""
        apart = weights @ self.x.T - self.t
        return (apart**2).mean(axis=-1) / 2

    def gradient(self, weights: Array) -> Array:
        """Its gradient at one pair of weights."""
        gradient: Array = self.x.T @ (self.x @ weights - self.t) / len(self.t)
        return gradient


def _figure(paths: dict[str, Array], surface: Surface) -> Any:
    figure = figures.new_figure(11, 7)
    all_axes = figure.subplots(2, 3, sharex=True, sharey=True)
    across, up = np.meshgrid(np.linspace(-2, 2.4, 150), np.linspace(-1.2, 2.9, 150))
    height = surface.loss(np.stack((across, up), axis=-1))
    for axes, (name, found) in zip(all_axes.ravel(), paths.items(), strict=True):
        levels = np.geomspace(0.01, 12, 12)
        axes.contour(across, up, height, levels, colors="#aaaaaa", linewidths=0.8)
        axes.plot(*found.T, "o-", color=figures.COLOURS[0], ms=3, lw=1.2)
        axes.plot(*found[0], "s", color=figures.COLOURS[1], ms=8, label="start")
        axes.plot(*BEST, "*", color="black", ms=12, label="minimum")
        axes.set_title(f"{name}: loss {surface.loss(found[-1]):.1e}", fontsize=11)
        axes.grid(False)
    for axes in all_axes[1]:
        axes.set_xlabel("$w_1$")
    for axes in all_axes[:, 0]:
        axes.set_ylabel("$w_2$")
    all_axes[0, 0].set(xlim=(-2, 2.4), ylim=(-1.2, 2.9))
    all_axes[0, 0].legend(loc="lower left", fontsize=10)
    return figure
