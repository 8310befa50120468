"""Graphs drawn by graphviz, where it is installed: it lays out wide nets better than we do."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

from engine import DemitasseError
from engine.errors import MissingDependency
from tools.drawing.graph import Graph
from tools.drawing.shapes import FILLS, INK, VALUE

_FONT = "Helvetica"


def available() -> bool:
    """Whether both the Python package and the program ``dot`` are there."""
    return find_spec("graphviz") is not None and shutil.which("dot") is not None


def to_file(graph: Graph, form: str, sideways: bool) -> bytes:
    """The picture as graphviz draws it.

    Args:
        graph: what to draw.
        form: "svg" or "png".
        sideways: whether arrows point to the right.

    Raises:
        DemitasseError: graphviz is not there, or fails.
    """
    try:
        import graphviz
    except ImportError:
        raise MissingDependency("graphviz", "plot", "drawing with graphviz") from None
    picture = graphviz.Digraph(
        graph_attr={
            "rankdir": "LR" if sideways else "TB", "label": graph.title, "labelloc": "t",
            "labeljust": "l", "fontname": f"{_FONT}-Bold", "fontsize": "14", "nodesep": "0.35",
            "ranksep": "0.42", "dpi": "96" if form == "svg" else "110",
        },
        node_attr={
            "shape": "box", "color": INK, "fontname": _FONT,
            "fontsize": "12", "margin": "0.13,0.06", "height": "0.3",
        },
        edge_attr={"fontname": _FONT, "fontsize": "11", "fontcolor": VALUE, "color": INK,
                   "arrowsize": "0.7"},
    )  # fmt: skip
    for index, box in enumerate(graph.boxes):
        style = "rounded,filled,dashed" if box.shared else "rounded,filled"
        picture.node(str(index), label=_label(box.lines), fillcolor=FILLS[box.kind], style=style)
    for arrow in graph.arrows:
        label = graphviz.escape(f" {arrow.above}") if arrow.above else ""
        picture.edge(str(arrow.source), str(arrow.target), label=label)
    try:
        return bytes(picture.pipe(format=form))
    except graphviz.ExecutableNotFound:
        raise DemitasseError(
            "graphviz's program `dot` is not installed", hint="draw without it: --layout own"
        ) from None
    except graphviz.CalledProcessError as problem:
        raise DemitasseError(f"graphviz failed: {problem}", hint="--layout own") from None


def _label(lines: list[str]) -> str:
    """The title in bold, the other lines smaller (graphviz's HTML)."""
    escaped = [
        line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") for line in lines
    ]
    rest = "".join(f'<BR/><FONT POINT-SIZE="11">{line}</FONT>' for line in escaped[1:])
    return f"<<B>{escaped[0]}</B>{rest}>"
