"""Numerical and analytic gradient: the two compared, their cost, and how far a step should go."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.net.derivatives import Comparison
from engine.net.gradient_check import NetCheck, check_layers
from layers.blob import Array
from tools.commands.gradcheck import comparison_table, summary
from tools.plotting import figures
from tools.topics.desk import Desk

STEPS = np.logspace(0, -12, 25)
_SAMPLE = 20  # elements of each variable


def run(desk: Desk) -> None:
    """Checks a right and a wrong net, and measures the error of differences by their step."""
    check = NetCheck(desk.net("gradients"))
    found = check.compare(_SAMPLE)
    desk.say("The loss of an MLP on ten digits, differentiated through the whole net:\n\n")
    desk.say(comparison_table(found) + summary(found, check.seconds))
    wrong, seconds = wrong_net(desk)
    desk.say("\nThe same net with a tanh whose derivative lacks a square, layer by layer:\n\n")
    desk.say(comparison_table(wrong) + summary(wrong, seconds))
    one_sided, central = errors_by_step(NetCheck(desk.net("gradients")))
    desk.figure("gradients.png", lambda: _figure(one_sided, central))


def wrong_net(desk: Desk) -> tuple[list[Comparison], float]:
    """The comparisons of the net with the bug; the seconds of its forwards and backwards."""
    found: list[Comparison] = []
    seconds = 0.0
    for check, comparisons in check_layers(desk.net("wrong_derivative"), most=_SAMPLE):
        found += comparisons
        seconds += check.seconds
    return found, seconds


def errors_by_step(check: NetCheck) -> tuple[Array, Array]:
    """Relative errors of one-sided and central differences for each of STEPS.

    Differentiated is the loss along the gradient itself, at the first layer's weights: the
    slope there is the gradient's length.
    """
    weights = next(v for v in check.variables() if v.name.endswith("param 0"))
    slope = float(np.linalg.norm(weights.analytic))
    direction, start = weights.analytic / slope, weights.values.copy()

    def loss(step: float) -> float:
        weights.values[...] = start + step * direction
        return check.objective()

    here = loss(0)
    above = np.array([loss(step) for step in STEPS])
    below = np.array([loss(-step) for step in STEPS])
    weights.values[...] = start
    one_sided = np.abs((above - here) / STEPS - slope) / slope
    central = np.abs((above - below) / (2 * STEPS) - slope) / slope
    return one_sided, central


def _figure(one_sided: Array, central: Array) -> Any:
    figure = figures.new_figure(7, 4.5)
    axes = figure.add_subplot()
    one, two = figures.COLOURS[1], figures.COLOURS[0]
    axes.loglog(STEPS, one_sided, "s-", color=one, ms=4, label="one-sided: (f(w + h) - f(w)) / h")
    axes.loglog(STEPS, central, "o-", color=two, ms=4, label="central: (f(w + h) - f(w - h)) / 2h")
    axes.set(xlabel="step $h$", ylabel="relative error of the derivative")
    axes.annotate("round-off: grows as $1/h$", (1e-10, 1e-10), ha="center", fontsize=10)
    axes.annotate("the curve bends: $h$ and $h^2$", (1.5e-2, 1e-10), ha="center", fontsize=10)
    axes.set_ylim(1e-13, 1e1)
    axes.legend(loc="upper center")
    return figure
