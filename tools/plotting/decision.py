"""Decision regions: which class a net gives to each point of the plane."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import DemitasseError, Net
from engine.net.gradient_flow import Node
from layers import Blob
from layers.blob import Array
from tools.plotting import figures

Limits = tuple[float, float]

_MARKERS = "osD^vPX"
_STEPS = 301  # points along each axis


def decision_figure(
    net: Net, scores: str | None = None, limits: Limits | None = None, threshold: float = 0.5
) -> Any:
    """The regions of a net, with the points of its data set on them where it has one."""
    figure = figures.new_figure(5.6, 5.4)
    colours = draw_regions(figure.add_subplot(), net, scores, limits, threshold)
    _legend(figure, colours)
    return figure


def _legend(figure: Any, colours: list[str]) -> None:
    """Which class has which colour, above the picture and off its points."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        (
            Patch(color=colour, alpha=0.35),
            Line2D([], [], ls="", marker=_marker(index), color=colour),
        )
        for index, colour in enumerate(colours)
    ]
    names = [f"class {index}" for index in range(len(colours))]
    figure.legend(handles, names, loc="outside upper center", ncols=min(4, len(names)))


def _marker(index: int) -> str:
    return _MARKERS[index % len(_MARKERS)]


def draw_regions(
    axes: Any,
    net: Net,
    scores: str | None = None,
    limits: Limits | None = None,
    threshold: float = 0.5,
) -> list[str]:
    """Fills axes with the regions of a net.

    Args:
        axes: matplotlib's.
        net: a net with a source whose first top has two numbers a row.
        scores: the blob with one or more scores a row; what the loss reads without it.
        limits: of both axes.
        threshold: what a single score must exceed.

    Returns:
        the colour of each class.

    Raises:
        DemitasseError: the net has no such source, or no such blob.
    """
    from matplotlib.colors import ListedColormap

    points, labels = data_points(net)
    low, high = limits or _limits(points)
    ticks = np.linspace(low, high, _STEPS)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    regions = classify(net, grid, scores, threshold).reshape(_STEPS, _STEPS)
    count = int(max(regions.max(), labels.max(initial=0))) + 1
    colours = [figures.COLOURS[index % len(figures.COLOURS)] for index in range(count)]
    axes.pcolormesh(
        ticks, ticks, regions, cmap=ListedColormap(colours), vmin=-0.5, vmax=count - 0.5,
        alpha=0.35, rasterized=True, shading="nearest", linewidth=0,
    )  # fmt: skip
    for border in range(1, count):
        if (regions >= border).any() and (regions < border).any():
            axes.contour(ticks, ticks, regions >= border, [0.5], colors="#222222", linewidths=1.2)
    for index in range(count):
        chosen = points[labels == index]
        if len(chosen):
            axes.scatter(
                *chosen.T, s=18, color=colours[index], edgecolor="white", linewidth=0.5,
                marker=_marker(index), zorder=3,
            )  # fmt: skip
    axes.set(xlim=(low, high), ylim=(low, high), xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    axes.grid(False)
    return colours


def classify(net: Net, points: Array, scores: str | None = None, threshold: float = 0.5) -> Array:
    """The class of each point: of one score whether it exceeds the threshold, else the largest."""
    values = evaluate(net, points, scores)
    if values.shape[1] == 1:
        found: Array = (values[:, 0] > threshold).astype(int)
        return found
    return values.argmax(axis=1)


def evaluate(net: Net, points: Array, scores: str | None = None) -> Array:
    """What the net computes for the points in one blob, a row for each."""
    source = plane(net)
    name = scores or _scores(net)
    if name not in net.blobs:
        raise DemitasseError(
            f'the net has no blob "{name}"', expected=f"one of {', '.join(net.blobs)}"
        )
    source.top[0].reshape(*points.shape)
    source.top[0].data = points
    needed = {id(net.blobs[name])}
    running: list[int] = []
    for index in reversed(range(len(net.nodes))):
        node = net.nodes[index]
        if node is not source and any(id(top) in needed for top in node.top):
            running.append(index)
            needed |= {id(bottom) for bottom in node.bottom}
    for index in reversed(running):
        net.forward_from_to(index, index)
    return net.blobs[name].data.reshape(len(points), -1)


def plane(net: Net) -> Node:
    """The source of the points: the first whose first top has two numbers a row."""
    for node in net.nodes:
        if not node.bottom and node.top and node.top[0].shape[1:] == (2,):
            return node
    shapes = [f"{node.top[0].shape}" for node in net.nodes if not node.bottom and node.top]
    raise DemitasseError(
        "decision regions need a net of two inputs", got=", ".join(shapes), expected="shape (N, 2)"
    )


def data_points(net: Net) -> tuple[Array, Array]:
    """The points and labels that the source reads; none from an Input layer."""
    source = plane(net)
    if source.layer.type == "Input" or len(source.top) < 2:
        return np.empty((0, 2)), np.empty(0, int)
    source.layer.forward(source.bottom, source.top)
    points = source.top[0].data.copy()
    return points, source.top[1].data.reshape(len(points)).astype(int)


def _scores(net: Net) -> str:
    """The blob that a loss compares with the labels, else the last output."""
    for node in net.nodes:
        if any(node.loss_weights) and node.bottom:
            return _original(net, node.bottom[0]).name
    return net.outputs[-1]


def _original(net: Net, blob: Blob) -> Blob:
    """The blob that automatic splits copied."""
    for node in net.nodes:
        if node.layer.type == "Split" and any(blob is top for top in node.top):
            return _original(net, node.bottom[0])
    return blob


def _limits(points: Array) -> Limits:
    """From below the least to above the greatest coordinate of the points."""
    if not len(points):
        return -2.0, 2.0
    low, high = float(points.min()), float(points.max())
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room
