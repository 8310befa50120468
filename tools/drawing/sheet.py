"""A laid-out graph drawn: its boxes, arrows and labels as shapes on a sheet."""

from __future__ import annotations

from collections.abc import Sequence

from tools.drawing.graph import Graph
from tools.drawing.labels import place_labels
from tools.drawing.layout import FONT, LINE, SMALL, Layout, Point, Spot
from tools.drawing.shapes import FILLS, HEAD, INK, MARGIN, Curve, Drawing, Rectangle, Shape, Text


def draw(graph: Graph, layout: Layout) -> Drawing:
    """The picture of a graph; what is written at arrows lies above them all."""
    shift = (MARGIN, MARGIN + HEAD)
    curves = [
        Curve([(x + shift[0], y + shift[1]) for x, y in layout.points(number)], layout.sideways)
        for number in range(len(graph.arrows))
    ]
    boxes: list[Shape] = []
    for spot in layout.spots:
        if spot.box is not None:
            boxes += _box(spot, graph, shift)
    labels = place_labels(
        graph.arrows, curves, [shape for shape in boxes if isinstance(shape, Rectangle)]
    )
    heading = Text(MARGIN, MARGIN + 6, graph.title, FONT, bold=True, anchor="start")
    title = len(graph.title) * FONT * 0.66
    width = max(layout.width + _overhang(labels, layout.width), title) + 2 * MARGIN
    shapes = [heading, *curves, *boxes, *labels]
    return Drawing(width, layout.height + 2 * MARGIN + HEAD, shapes, graph.title)


def _overhang(labels: Sequence[Text], width: float) -> float:
    """How far text beside arrows reaches out of the picture on the right."""
    ends = [
        label.x + len(label.text) * label.size * 0.6 - MARGIN
        for label in labels
        if label.anchor == "start"
    ]
    return max([0.0, *(end - width for end in ends)])


def _box(spot: Spot, graph: Graph, shift: Point) -> list[Shape]:
    x, y = spot.x + shift[0], spot.y + shift[1]
    box = graph.boxes[spot.box or 0]
    line = "#bbbbbb" if box.kind == "end" else INK
    fill = FILLS[box.kind]
    shapes: list[Shape] = [Rectangle(x, y, spot.width, spot.height, fill, line, box.shared)]
    top = y - FONT * LINE * (len(box.lines) - 1) / 2
    for index, text in enumerate(box.lines):
        size = SMALL if index else FONT
        shapes.append(Text(x, top + index * FONT * LINE, text, size, bold=not index))
    return shapes
