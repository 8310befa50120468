"""matplotlib as every picture uses it: no window, one style, colours for every eye."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import DemitasseError
from engine.errors import MissingDependency
from engine.snapshot.atomic import write_atomically

# Okabe and Ito's colours, which colour-blind readers tell apart; yellow last, as it is faint.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#f0e442"]
FORMS = (".svg", ".png", ".pdf")

_STYLE = {
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "white",
    "svg.hashsalt": "demitasse",  # the same picture, the same file
}


def figure_class() -> Any:
    """matplotlib's Figure; made directly it opens no window and needs no display.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        import matplotlib
        from cycler import cycler
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependency("matplotlib", "plot", "drawing") from None
    settings: Any = matplotlib.rcParams
    settings.update(_STYLE)
    settings["axes.prop_cycle"] = cycler(color=COLOURS[:-1])
    return Figure


def new_figure(width: float = 7.0, height: float = 4.5) -> Any:
    """An empty figure, sizes in inches."""
    return figure_class()(figsize=(width, height), layout="constrained")


def save(figure: Any, path: Path) -> None:
    """Writes a figure, whole or not at all.

    Raises:
        DemitasseError: the name ends in no form that we write, or the file cannot be written.
    """
    out = io.BytesIO()
    form = picture_form(path)
    extra: dict[str, Any] = {"metadata": {"Date": None}} if form == "svg" else {}
    with warnings.catch_warnings():
        # Of characters that no font here has; boxes stand for them.
        warnings.filterwarnings("ignore", "Glyph")
        figure.savefig(out, format=form, dpi=150, **extra)
    write_picture(path, out.getvalue())


def picture_form(path: Path, forms: Sequence[str] = FORMS) -> str:
    """``svg``, ``png`` or ``pdf``, by the end of the name.

    Raises:
        DemitasseError: it is another.
    """
    if path.suffix.lower() not in forms:
        raise DemitasseError(
            "no form of picture that is written here", str(path), path.suffix, ", ".join(forms)
        )
    return path.suffix.lower()[1:]


def write_picture(path: Path, data: bytes) -> None:
    """Writes the bytes of a picture, whole or not at all.

    Raises:
        DemitasseError: the file cannot be written.
    """
    if not path.parent.is_dir():
        raise DemitasseError("there is no such folder", str(path.parent), hint="make it first")
    write_atomically(path, data)
