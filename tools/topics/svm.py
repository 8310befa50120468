"""SVM: a multi-class hinge loss with L2 penalty as a graph, next to softmax on the same scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Solver
from layers.blob import Array
from tools.commands.draw import picture
from tools.console.table import table
from tools.drawing.graph import net_graph
from tools.plotting import figures
from tools.plotting.filters import draw_images
from tools.topics.desk import Desk, held_out_accuracy, trained

LOSSES = ("svm", "softmax")


def run(desk: Desk) -> None:
    """Trains both, compares their scores, and draws their templates and the SVM's graph."""
    solvers = {name: trained(desk, name) for name in LOSSES}
    rows = []
    for name, solver in solvers.items():
        loss, penalty = (solver.net.blobs[key].data.item() for key in ("loss", "penalty"))
        rows.append([name, f"{loss:.3f}", f"{penalty:.3f}", f"{held_out_accuracy(solver):.1%}"])
    desk.say(table(["", "loss", "penalty", "right on held-out digits"], rows, (1, 2, 3)))
    weights = {name: templates(solver) for name, solver in solvers.items()}
    desk.figure("svm_templates.png", lambda: _figure(weights))
    graph = net_graph(solvers["svm"].net)
    figures.write_picture(desk.picture("svm.svg"), picture(graph, "svg", False, own=True))


def templates(solver: Solver) -> Array:
    """The weights of the ten classes as images."""
    return solver.net.params["W"][0].data.reshape(10, 28, 28)


def _figure(weights: dict[str, Array]) -> Any:
    figure = figures.new_figure(12, 3.1)
    all_axes = figure.subplots(2, 10)
    for row, (name, images) in zip(all_axes, weights.items(), strict=True):
        shown = draw_images(row, images)
        row[0].set_axis_on()
        row[0].set(xticks=[], yticks=[])
        row[0].set_ylabel("SVM" if name == "svm" else name, fontsize=12, fontweight="bold")
        row[0].spines[:].set_visible(False)
        figure.colorbar(shown, ax=row, label="weight", shrink=0.9, pad=0.01)
    for digit, axes in enumerate(all_axes[0]):
        axes.set_title(str(digit), fontsize=12)
    return figure


def hinge(scores: Array, labels: Array) -> tuple[float, Array]:
    """The multi-class hinge loss and its gradient by the scores, by their formulas."""
    rows = np.arange(len(labels))
    margins = np.maximum(0, scores - scores[rows, labels][:, None] + 1)
    margins[rows, labels] = 0
    gradient = (margins > 0).astype(float)
    gradient[rows, labels] = -gradient.sum(axis=1)
    return float(margins.sum()) / len(labels), gradient / len(labels)
