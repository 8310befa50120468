"""A two-layer MLP as a generalised linear model: its hidden units are basis functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Net
from layers.blob import Array
from tools.plotting import figures
from tools.topics.desk import Desk, quiet_solver

LOW, HIGH = -3.0, 3.0


def run(desk: Desk) -> None:
    """Fits a curve and a probability, draws the basis functions, and moves the bias to an input."""
    curve, classes = fitted(desk, "regression"), fitted(desk, "classification")
    weights, offset = (blob.data for blob in curve.params["y"])
    terms = " ".join(f"{value:+.2f} h{j + 1}(x)" for j, value in enumerate(weights[0]))
    desk.say(f"fit: y(x) = {offset[0]:.2f} {terms}")
    x, t = regression_data(curve.blobs["x"].shape[0])
    error = np.sqrt(((at(curve, x)["y"][:, 0] - t) ** 2).mean())
    desk.say(f"distance from the points, root mean square: {error:.3f}; noise in them: 0.1")
    apart = np.abs(at(curve, x)["y"] - with_bias_as_input(desk, curve, x)).max()
    desk.say(f"with the bias as a weight of x0 = 1 the same to {apart:.0e}")
    desk.figure("basis_functions.png", lambda: _figure(curve, classes))


def regression_data(count: int) -> tuple[Array, Array]:
    """Points on a curve, with noise."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(LOW, HIGH, count))
    return x, truth(x) + rng.normal(0, 0.1, count)


def truth(x: Array) -> Array:
    """The curve that the points are from."""
    found: Array = np.sin(1.5 * x) + 0.3 * x
    return found


def class_data(count: int) -> tuple[Array, Array]:
    """Points of class 1 in two intervals, of class 0 outside, some on the wrong side."""
    rng = np.random.default_rng(5)
    x = np.sort(rng.uniform(LOW, HIGH, count))
    inside = ((x > -2) & (x < -0.5)) | (x > 1.2)
    return x, (inside ^ (rng.random(count) < 0.05)).astype(float)


def fitted(desk: Desk, name: str) -> Net:
    """The net of a config, trained on its points."""
    solver = quiet_solver(desk, name)
    blobs = solver.net.blobs
    data = regression_data if name == "regression" else class_data
    x, t = data(blobs["x"].shape[0])
    blobs["x"].data = x[:, None]
    blobs["t"].data = t.reshape(blobs["t"].shape)
    solver.step(solver.param.max_iter)
    return solver.net


def at(net: Net, x: Array) -> dict[str, Array]:
    """The blobs of a net for other inputs."""
    net.forward(x=x[:, None], t=np.zeros((len(x), *net.blobs["t"].shape[1:])))
    return {name: blob.data.copy() for name, blob in net.blobs.items()}


def with_bias_as_input(desk: Desk, net: Net, x: Array) -> Array:
    """What the net with x0 = 1 computes, the biases now columns of its weights."""
    other = desk.net("bias_as_input")
    for name in ("net", "y"):
        weights, bias = (blob.data for blob in net.params[name])
        other.params[name][0].data = np.hstack((weights, bias[:, None]))
    return other.forward(x=np.stack((x, np.ones_like(x)), axis=1))["y"]


def _figure(curve: Net, classes: Net) -> Any:
    figure = figures.new_figure(11, 7)
    all_axes = figure.subplots(2, 2, sharex=True)
    x = np.linspace(LOW, HIGH, 300)
    fit, prob = at(curve, x), at(classes, x)
    points, t = regression_data(40)
    axes = all_axes[0, 0]
    axes.plot(points, t, "o", color="#555555", ms=4, label="samples")
    axes.plot(x, fit["y"][:, 0], color=figures.COLOURS[0], label="fit y(x)")
    axes.plot(x, truth(x), "--", color="black", lw=1, label="the curve they are from")
    axes.set(title="regression: squared error", ylabel="fit y, samples t")
    points, t = class_data(120)
    axes = all_axes[0, 1]
    axes.plot(points, t, "|", color="#555555", ms=9, label="samples")
    axes.plot(x, prob["prob"][:, 1], color=figures.COLOURS[0], label="probability of class 1")
    axes.set(title="classification: softmax", ylabel="class, probability", ylim=(-0.1, 1.35))
    axes.set_yticks(np.linspace(0, 1, 6))
    for axes, blobs in zip(all_axes[1], (fit, prob), strict=True):
        for j, style in enumerate(("-", "--", "-.", ":")):
            colour = figures.COLOURS[j]
            axes.plot(x, blobs["basis"][:, j], style, color=colour, label=f"$h_{j + 1}$")
        axes.set(xlabel="x", ylabel="basis function h(x)", ylim=(-1.1, 1.6))
        axes.legend(ncols=4, loc="upper center")
    for axes in all_axes[0]:
        axes.legend(loc="upper left")
    return figure
