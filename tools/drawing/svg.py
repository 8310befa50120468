"""Drawings as SVG, with nothing but Python."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tools.drawing.layout import Point
from tools.drawing.shapes import INK, Curve, Drawing, Rectangle, Shape, Text

_FONTS = "'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif"


def to_svg(drawing: Drawing) -> str:
    """The SVG file."""
    size = f'width="{drawing.width:.0f}" height="{drawing.height:.0f}"'
    view = f'viewBox="0 0 {drawing.width:.0f} {drawing.height:.0f}"'
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view} font-family="{_FONTS}">',
        f"<title>{escape(drawing.title)}</title>",
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" '
        f'markerHeight="8" orient="auto"><path d="M0,1 L10,5 L0,9 z" fill="{INK}"/></marker>'
        "</defs>",
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    return "\n".join([*head, *map(_element, drawing.shapes), "</svg>", ""])


def _element(shape: Shape) -> str:
    if isinstance(shape, Rectangle):
        x, y = shape.x - shape.width / 2, shape.y - shape.height / 2
        dashes = ' stroke-dasharray="6 4"' if shape.dashed else ""
        return (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{shape.width:.1f}" height="{shape.height:.1f}" '
            f'rx="6" fill="{shape.fill}" stroke="{shape.line}"{dashes}/>'
        )
    if isinstance(shape, Curve):
        return (
            f'<path d="{_path(shape)}" fill="none" stroke="{INK}" stroke-width="1.2" '
            'marker-end="url(#tip)"/>'
        )
    return _text(shape)


def _path(curve: Curve) -> str:
    """Cubic pieces whose ends run in the direction of the ranks."""
    parts = ["M{:.1f},{:.1f}".format(*curve.points[0])]
    for controls in curve_pieces(curve):
        parts.append("C" + " ".join(f"{x:.1f},{y:.1f}" for x, y in controls))
    return " ".join(parts)


def curve_pieces(curve: Curve) -> list[tuple[Point, Point, Point]]:
    """The two control points and the end of each cubic piece of an arrow."""
    pieces = []
    for (x0, y0), (x1, y1) in zip(curve.points, curve.points[1:], strict=False):
        if curve.sideways:
            middle = (x0 + x1) / 2
            pieces.append(((middle, y0), (middle, y1), (x1, y1)))
        else:
            middle = (y0 + y1) / 2
            pieces.append(((x0, middle), (x1, middle), (x1, y1)))
    return pieces


def _text(text: Text) -> str:
    weight = ' font-weight="bold"' if text.bold else ""
    halo = ' stroke="white" stroke-width="4" paint-order="stroke"' if text.halo else ""
    return (
        f'<text x="{text.x:.1f}" y="{text.y + 0.35 * text.size:.1f}" font-size="{text.size:g}" '
        f'text-anchor="{text.anchor}" fill="{text.colour}"{weight}{halo}>{escape(text.text)}</text>'
    )
