"""A laid-out graph as simple shapes, for whichever writer there is."""

from __future__ import annotations

from dataclasses import dataclass

from tools.drawing.layout import SMALL, Point

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
