"""Drawings as PNG, by matplotlib."""

from __future__ import annotations

import io
from typing import Any

from tools.drawing.shapes import INK, Curve, Drawing, Rectangle, Shape, Text
from tools.drawing.svg import curve_pieces
from tools.plotting import figures

_DPI = 144
_POINT = 0.72  # of a matplotlib point in our units, at 100 units an inch


def to_png(drawing: Drawing) -> bytes:
    """The PNG file, at 1.44 pixels a unit.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    figure_class = figures.figure_class()
    figure = figure_class(figsize=(drawing.width / 100, drawing.height / 100), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, drawing.width)
    axes.set_ylim(drawing.height, 0)
    for shape in drawing.shapes:
        _add(axes, shape)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=_DPI)
    return out.getvalue()


def _add(axes: Any, shape: Shape) -> None:
    from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
    from matplotlib.path import Path

    if isinstance(shape, Rectangle):
        left, top = shape.x - shape.width / 2, shape.y - shape.height / 2
        style = "round,pad=0,rounding_size=6"
        size = (shape.width, shape.height)
        dashes = (0, (6, 4)) if shape.dashed else "solid"
        axes.add_patch(
            FancyBboxPatch(
                (left, top), *size, boxstyle=style, fc=shape.fill, ec=shape.line, lw=0.8,
                linestyle=dashes, zorder=2,
            )
        )  # fmt: skip
    elif isinstance(shape, Curve):
        corners = [shape.points[0], *(point for piece in curve_pieces(shape) for point in piece)]
        codes = [Path.MOVETO] + [Path.CURVE4] * (len(corners) - 1)
        style = "-|>,head_length=5,head_width=2.5"
        axes.add_patch(
            FancyArrowPatch(
                path=Path(corners, codes), arrowstyle=style, color=INK, lw=0.9, zorder=1,
                shrinkA=0, shrinkB=0,
            )
        )  # fmt: skip
    else:
        _write(axes, shape)


def _write(axes: Any, text: Text) -> None:
    from matplotlib.patheffects import withStroke

    axes.text(
        text.x,
        text.y,
        text.text,
        fontsize=text.size * _POINT,
        color=text.colour,
        weight="bold" if text.bold else "normal",
        ha={"start": "left", "middle": "center", "end": "right"}[text.anchor],
        va="center",
        path_effects=[withStroke(linewidth=3, foreground="white")] if text.halo else None,
        zorder=3,
        parse_math=False,
    )
