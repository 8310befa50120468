"""A laid-out graph as simple shapes, for whichever writer there is."""

from __future__ import annotations

from dataclasses import dataclass

from tools.drawing.graph import Arrow, Graph
from tools.drawing.layout import FONT, LINE, SMALL, Layout, Point, Spot

# Fills light enough for black text, told apart by lightness too (Okabe and Ito's hues).
FILLS = {
    "source": "#d6ebf7",
    "weights": "#fdeac4",
    "plain": "#f2f2f2",
    "loss": "#f6d3bf",
    "end": "#ffffff",
}
INK, VALUE, GRADIENT = "#222222", "#00527f", "#b34700"
MARGIN, HEAD = 20.0, 34.0


@dataclass
class Rectangle:
    """A box, by its centre."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    line: str = INK
    dashed: bool = False


@dataclass
class Curve:
    """An arrow through points; it bends smoothly along one direction."""

    points: list[Point]
    sideways: bool


@dataclass
class Text:
    """One line of text, by the middle of its line; anchor is start, middle or end."""

    x: float
    y: float
    text: str
    size: float = SMALL
    colour: str = INK
    bold: bool = False
    anchor: str = "middle"
    halo: bool = False


Shape = Rectangle | Curve | Text


@dataclass
class Drawing:
    """Shapes and the size of the sheet that they fit on."""

    width: float
    height: float
    shapes: list[Shape]
    title: str


def draw(graph: Graph, layout: Layout) -> Drawing:
    """The picture of a graph; what is written at arrows lies above them all."""
    shift = (MARGIN, MARGIN + HEAD)
    shapes: list[Shape] = [
        Text(MARGIN, MARGIN + 6, graph.title, FONT, bold=True, anchor="start"),
    ]
    labels: list[Shape] = []
    for number, arrow in enumerate(graph.arrows):
        points = [(x + shift[0], y + shift[1]) for x, y in layout.points(number)]
        shapes.append(Curve(points, layout.sideways))
        labels += _labels(arrow, layout, number, points)
    for spot in layout.spots:
        if spot.box is not None:
            shapes += _box(spot, graph, shift)
    title = len(graph.title) * FONT * 0.66
    width = max(layout.width + _overhang(labels, layout.width), title) + 2 * MARGIN
    return Drawing(width, layout.height + 2 * MARGIN + HEAD, shapes + labels, graph.title)


def _overhang(labels: list[Shape], width: float) -> float:
    """How far text beside arrows reaches out of the picture on the right."""
    ends = [
        label.x + len(label.text) * label.size * 0.6 - MARGIN
        for label in labels
        if isinstance(label, Text) and label.anchor == "start"
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


def _labels(arrow: Arrow, layout: Layout, number: int, points: list[Point]) -> list[Shape]:
    """What is written at an arrow: over and under one that points right, else beside it."""
    if len(points) > 2:
        start, end, share = points[1], points[2], 0.5
    else:
        path = layout.paths[number]
        leaving, coming = len(layout.spots[path[0]].after), len(layout.spots[path[1]].before)
        # At the end with fewer arrows: there they are furthest apart.
        share = 0.5 if leaving == coming else 0.65 if leaving > coming else 0.35
        start, end = points
    if not layout.sideways:
        x, y = _along(start, end, share)
        text = Text(x + 6, y, f"{arrow.above}  {arrow.below}".strip(), SMALL, VALUE, halo=True)
        text.anchor = "start"
        return [text] if text.text else []
    length = end[0] - start[0]
    half = max(len(arrow.above), len(arrow.below)) * SMALL * 0.3
    x = start[0] + min(max(share * length, half + 6), max(length - half, half + 6))
    # Clear of the arrow along most of the text, also where it rises or falls.
    shares = [min(1.0, max(0.0, (x + dx - start[0]) / length)) for dx in (-half / 2, 0, half / 2)]
    heights = [_along(start[::-1], end[::-1], each)[0] for each in shares]
    over = Text(x, min(heights) - 0.85 * SMALL, arrow.above, SMALL, VALUE, halo=True)
    under = Text(x, max(heights) + 0.85 * SMALL, arrow.below, SMALL, GRADIENT, halo=True)
    return [text for text in (over, under) if text.text]


def _along(start: Point, end: Point, share: float) -> Point:
    """A point of an arrow that points down; it starts and ends straight, and eases across."""
    eased = share * share * (3 - 2 * share)
    return start[0] + eased * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
