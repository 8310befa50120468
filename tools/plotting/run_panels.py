"""Training runs as panels of curves: loss, each test score, learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.plotting import figures
from tools.plotting.runs import Run, Series

_LEGEND = 72  # letters in a row of the legend
Kind = Literal["raw", "line", "points"]


@dataclass(frozen=True)
class Curve:
    """One curve of a panel.

    Args:
        run: whose it is, by index.
        kind: "raw" is thin and faint, "points" has a marker at each value.
        series: its values by iteration; NaN is a gap.
    """

    run: int
    kind: Kind
    series: Series


@dataclass(frozen=True)
class Panel:
    """What is drawn over one axis: a quantity of all runs.

    Args:
        title: its name.
        curves: those of a run one after the other.
    """

    title: str
    curves: list[Curve]


def panels(runs: Sequence[Run]) -> list[Panel]:
    """One panel for the loss, one for each test score and one for the learning rate."""
    names = dict.fromkeys(name for run in runs for name in run.scores)
    loss, lr = Panel("training loss", []), Panel("learning rate", [])
    scores = {name: Panel(f"test {name}", []) for name in names}
    for index, run in enumerate(runs):
        if run.loss != run.smoothed:  # average_loss says over how many
            loss.curves.append(Curve(index, "raw", run.loss))
        loss.curves.append(Curve(index, "line", run.smoothed))
        lr.curves.append(Curve(index, "line", run.lr))
        for name, series in run.scores.items():
            scores[name].curves.append(Curve(index, "points", series))
    every = [loss, *scores.values(), lr]
    for panel in every:
        panel.curves[:] = [curve for curve in panel.curves if curve.series]
    return [panel for panel in every if panel.curves]


def runs_figure(runs: Sequence[Run]) -> Any:
    """The panels below each other, over the same iterations."""
    drawn = panels(runs)
    figure = figures.new_figure(7.5, 2.5 * len(drawn) + 0.4)
    all_axes = figure.subplots(len(drawn), 1, sharex=True, squeeze=False)[:, 0]
    for axes, panel in zip(all_axes, drawn, strict=True):
        for curve in panel.curves:
            _draw(axes, curve, runs[curve.run].name)
        axes.set_ylabel(panel.title)
    if len(runs) > 1:
        lines = {line.get_label(): line for axes in all_axes for line in axes.get_lines()}
        handles = [lines[run.name] for run in runs if run.name in lines]
        longest = max(len(run.name) for run in runs)
        figure.legend(
            handles=handles, loc="outside upper left", ncols=max(1, _LEGEND // (longest + 6))
        )
    else:
        figure.suptitle(runs[0].name, fontweight="bold", fontsize=12)
    all_axes[-1].set_xlabel("iteration")
    return figure


def _draw(axes: Any, curve: Curve, name: str) -> None:
    at = sorted(curve.series)
    colour, dashes = look(curve.run)
    values = [curve.series[iteration] for iteration in at]
    if curve.kind == "raw":
        axes.plot(at, values, color=colour, lw=0.8, alpha=0.4)
        return
    marker = "o" if curve.kind == "points" else ""
    axes.plot(at, values, color=colour, ls=dashes, lw=1.8, marker=marker, ms=4, label=name)


def look(run: int) -> tuple[str, str]:
    """The colour and the dashes of a run; faint yellow is left out."""
    usable = figures.COLOURS[:-1]
    dashes = ("-", "--", ":", "-.")
    return usable[run % len(usable)], dashes[run // len(usable) % len(dashes)]
