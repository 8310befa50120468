"""The confusion matrix: what a net takes the samples of each class for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine import DemitasseError, Net
from engine.errors import did_you_mean
from engine.net.gradient_flow import Node
from engine.solver.whole_set import check_sources, forward_over_set
from layers.blob import Array
from layers.kernels.labels import ignored_label, read_labels
from tools.console.table import table
from tools.plotting import figures

_JUDGES = ("Accuracy", "SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss", "InfogainLoss")
_NUMBERED = 30  # classes at most for which every cell says its count
_PAIRS = 5  # of the most confused ones


@dataclass(frozen=True)
class Confusion:
    """How often samples of each class were taken for each.

    Args:
        counts: (classes, classes), a row for each true class, a column for each predicted one.
    """

    counts: Array

    @property
    def total(self) -> int:
        """The samples."""
        return int(self.counts.sum())

    @property
    def right(self) -> int:
        """The samples that were taken for what they are."""
        return int(np.trace(self.counts))

    @property
    def class_accuracy(self) -> Array:
        """The share of right answers for each true class; NaN where it does not occur."""
        rows = self.counts.sum(axis=1)
        return np.where(rows > 0, np.diag(self.counts) / np.maximum(rows, 1), np.nan)

    def confused(self, most: int = _PAIRS) -> list[tuple[int, int, int]]:
        """The pairs that were mixed up most often: true class, what it was taken for, count."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        order = np.argsort(-wrong, axis=None, kind="stable")[:most]
        pairs = [divmod(int(place), len(wrong)) for place in order]
        return [(i, j, int(wrong[i, j])) for i, j in pairs if wrong[i, j]]


def count_confusions(net: Net, layer: str | None = None, batches: int | None = None) -> Confusion:
    """Runs a net over its data.

    Args:
        net: the net.
        layer: the layer that compares scores with labels; the first Accuracy, or the first
            loss over classes, without it.
        batches: how many to run; without it every sample once.

    Raises:
        DemitasseError: no layer compares scores with labels, a label names no class, or the
            sources do not know their number of samples.
    """
    node = _judge(net, layer)
    if batches is None:
        check_sources(
            net, "a confusion matrix is made of every sample once", "--batches N runs N batches"
        )
        runs = (rows for rows, _ in forward_over_set(net))
    else:
        runs = (len(net.forward()) for _ in range(batches))
    counts: Array = np.zeros((0, 0), int)
    for _ in runs:
        found = _count(node)
        counts = counts + found if counts.size else found
    return Confusion(counts)


def _judge(net: Net, name: str | None) -> Node:
    """The layer whose bottoms are scores and labels."""
    if name is not None and name not in net.layer_names:
        raise DemitasseError(
            f'the net has no layer "{name}"', hint=did_you_mean(name, net.layer_names)
        )
    nodes = [node for node in net.nodes if name in (None, node.layer.name)]
    for kind in _JUDGES:
        for node in nodes:
            if node.layer.type == kind:
                return node
    raise DemitasseError(
        "no layer here compares scores with the labels of classes",
        got=nodes[0].layer.type if name else net.name,
        expected=", ".join(_JUDGES),
    )


def _count(node: Node) -> Array:
    """The confusions in the batch that the net holds."""
    scores, labels = node.bottom[:2]
    layer, param = node.layer, node.layer.layer_param
    axis = layer.axis(scores, _class_axis(node))
    classes = scores.shape[axis]
    ignore = ignored_label(param.accuracy_param if layer.type == "Accuracy" else param.loss_param)
    true = read_labels(layer, labels, classes, ignore).reshape(-1)
    taken = scores.data.argmax(axis).reshape(-1)
    counted = true != ignore if ignore is not None else np.ones(len(true), bool)
    places = true[counted] * classes + taken[counted]
    return np.bincount(places, minlength=classes * classes).reshape(classes, classes)


def _class_axis(node: Node) -> int:
    param = node.layer.layer_param
    axes = {"Accuracy": param.accuracy_param.axis, "SoftmaxWithLoss": param.softmax_param.axis}
    return int(axes.get(node.layer.type, 1))


def confusion_text(confusion: Confusion) -> str:
    """The accuracy of each class and the most confused pairs, as tables."""
    rows = [
        [str(index), f"{row.sum():,}", f"{row[index]:,}", _percent(share)]
        for index, (row, share) in enumerate(
            zip(confusion.counts, confusion.class_accuracy, strict=True)
        )
    ]
    rows.append(
        ["all", f"{confusion.total:,}", f"{confusion.right:,}", _percent(_share(confusion))]
    )
    text = table(["class", "samples", "right", "accuracy"], rows, (0, 1, 2, 3))
    pairs = [[str(i), str(j), f"{count:,}"] for i, j, count in confusion.confused()]
    if pairs:
        text += "\n" + table(["class", "taken for", "times"], pairs, (0, 1, 2))
    return text


def _share(confusion: Confusion) -> float:
    return confusion.right / max(confusion.total, 1)


def _percent(share: float) -> str:
    return "none" if np.isnan(share) else f"{share:.1%}"


def confusion_figure(confusion: Confusion) -> Any:
    """The matrix, and the accuracy of each class beside its row."""
    classes = len(confusion.counts)
    size = max(4.2, min(0.48 * classes, 14.0))
    figure = figures.new_figure(size + 3.6, size + 1.0)
    matrix, bars = figure.subplots(1, 2, width_ratios=[size, 1.5], sharey=True)
    shown = _draw_matrix(matrix, confusion)
    _draw_bars(bars, confusion)
    figure.colorbar(shown, ax=bars, label="share of the true class", format="{x:.0%}")
    figure.suptitle(
        f"{confusion.right:,} of {confusion.total:,} right ({_percent(_share(confusion))})",
        fontsize=12, fontweight="bold",
    )  # fmt: skip
    return figure


def _draw_matrix(axes: Any, confusion: Confusion) -> Any:
    """Counts on shades of blue, which every eye reads as more or less."""
    from matplotlib.colors import PowerNorm

    counts = confusion.counts
    classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    # Few confusions should be seen beside many right answers: the root spreads small shares.
    shown = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 1), aspect="auto")
    if classes <= _NUMBERED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if shares[row, column] > 0.35 else "#222222"
                axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour, size=9)
        axes.set(xticks=range(classes), yticks=range(classes))
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.grid(False)
    return shown


def _draw_bars(axes: Any, confusion: Confusion) -> None:
    percent = 100 * confusion.class_accuracy
    places = np.arange(len(percent))
    axes.barh(places, np.nan_to_num(percent), color=figures.COLOURS[0], height=0.7)
    if len(percent) <= _NUMBERED:
        for place, value in zip(places, percent, strict=True):
            if value >= 40:
                axes.text(value - 3, place, f"{value:.1f}", ha="right", va="center", size=9,
                          color="white")  # fmt: skip
            elif not np.isnan(value):
                axes.text(value + 3, place, f"{value:.1f}", ha="left", va="center", size=9)
    axes.set(xlim=(0, 100), xlabel="accuracy (%)")
    axes.tick_params(axis="y", left=False, labelleft=False)
