"""The forward and backward API: a layer's source beside its formula, and a layer of one's own."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np

from engine import DemitasseError
from layers.blob import Array
from tools.layer_pages.page import all_pages
from tools.plotting import figures
from tools.topics.desk import Desk

X = np.linspace(-6, 6, 121)


def run(desk: Desk) -> None:
    """Prints Sigmoid's formula and source, runs the layer, and tries one of our own."""
    page = next(page for page in all_pages() if page.type == "Sigmoid")
    source = page.source_code
    desk.say(source[source.index("@register_layer") :])
    y, slope = sigmoid(desk)
    desk.figure("sigmoid.png", lambda: _figure(y, slope))
    desk.say("\nSoftsign, a layer of our own: its gradient checked, and a net trained with it\n\n")
    desk.say(own_layer(desk))


def sigmoid(desk: Desk) -> tuple[Array, Array]:
    """What the layer's forward computes, and its backward from an upstream gradient of 1."""
    net = desk.net("sigmoid")
    y = net.forward(x=X)["y"].copy()
    slope = net.backward(y=np.ones_like(X))["x"].copy()
    return y, slope


def own_layer(desk: Desk) -> str:
    """Runs the script of the page, in a process of its own; returns what it prints."""
    script = desk.config("own_layer").with_suffix(".py")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=desk.folder, capture_output=True, text=True
    )
    if done.returncode:
        raise DemitasseError("the script of this topic failed", str(script), done.stderr)
    return done.stdout


def _figure(y: Array, slope: Array) -> Any:
    figure = figures.new_figure(7, 4.2)
    axes = figure.add_subplot()
    some = slice(None, None, 6)
    exact = 1 / (1 + np.exp(-X))
    axes.plot(X, exact, color=figures.COLOURS[0], label=r"$y = 1 / (1 + e^{-x})$")
    axes.plot(X[some], y[some], "o", color=figures.COLOURS[0], ms=5, label="the layer's forward")
    axes.plot(X, exact * (1 - exact), "--", color=figures.COLOURS[1], label=r"$y\,(1 - y)$")
    label = "the layer's backward"
    axes.plot(X[some], slope[some], "s", color=figures.COLOURS[1], ms=5, label=label)
    axes.set(xlabel="x", ylabel="value, derivative")
    axes.legend(loc="upper left")
    return figure
