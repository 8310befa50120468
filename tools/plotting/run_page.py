"""Training runs as one HTML page that needs no network: the curves, and their values by hover."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools.plotting.run_panels import Curve, look, panels
from tools.plotting.runs import Run

_TEMPLATE = Path(__file__).with_suffix(".html")
_NAMED = 3  # runs whose names make a title that one still reads
_DASHES = {"-": "none", "--": "8 4", ":": "2 3", "-.": "8 3 2 3"}  # matplotlib's, as SVG's


def runs_page(runs: Sequence[Run]) -> str:
    """The page: its own style and script, the runs as JSON in it."""
    template = _TEMPLATE.read_text(encoding="utf-8")
    names = ", ".join(run.name for run in runs)
    title = html.escape(names if len(runs) <= _NAMED else f"{len(runs)} training runs")
    # No text in the data can end the script element that holds it.
    data = json.dumps(page_data(runs), allow_nan=False).replace("<", "\\u003c")
    return template.replace("{{title}}", title).replace("{{data}}", data)


def page_data(runs: Sequence[Run]) -> dict[str, Any]:
    """What the page's script draws; a value that is not finite is null."""
    looks = [look(index) for index in range(len(runs))]
    return {
        "runs": [
            {"name": run.name, "colour": colour, "dashes": _DASHES[dashes]}
            for run, (colour, dashes) in zip(runs, looks, strict=True)
        ],
        "panels": [
            {"title": panel.title, "curves": [_curve(curve) for curve in panel.curves]}
            for panel in panels(runs)
        ],
    }


def _curve(curve: Curve) -> dict[str, Any]:
    points = [
        [iteration, float(f"{value:.7g}") if math.isfinite(value) else None]
        for iteration, value in sorted(curve.series.items())
    ]
    return {"run": curve.run, "kind": curve.kind, "points": points}
