"""Training runs from their logs: loss, learning rate and test scores by iteration."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine import DemitasseError

Series = dict[int, float]  # by iteration

_END = "_log.jsonl"


@dataclass
class Run:
    """One training run, by what its log says.

    Args:
        name: what to call it.
        loss, smoothed, lr: what was displayed.
        scores: of the tests, by name; those of a second test net say so.
    """

    name: str
    loss: Series = field(default_factory=dict)
    smoothed: Series = field(default_factory=dict)
    lr: Series = field(default_factory=dict)
    scores: dict[str, Series] = field(default_factory=dict)


def read_runs(places: Iterable[str]) -> list[Run]:
    """The runs in folders and log files.

    Raises:
        DemitasseError: a place holds no log, or a log nothing to draw.
    """
    files: list[Path] = []
    for place in map(Path, places):
        found = sorted(place.glob(f"*{_END}")) if place.is_dir() else [place]
        if not found or not found[0].is_file():
            raise DemitasseError(
                "there is no log of a run here", str(place), expected=f"a file PREFIX{_END}"
            )
        files += found
    names = [file.name.removesuffix(_END) for file in files]
    if len(set(names)) < len(names):
        names = [f"{file.parent.name}/{name}" for file, name in zip(files, names, strict=True)]
    return [read_run(file, name) for file, name in zip(files, names, strict=True)]


def read_run(file: Path, name: str) -> Run:
    """The run in one log; of what a resumed run did again, the later says."""
    run = Run(name)
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as problem:
        raise DemitasseError(f"cannot be read: {problem.strerror}", str(file)) from None
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # what a killed run left unfinished
        if isinstance(entry, dict):
            _add(run, entry)
    if not run.loss and not run.scores:
        raise DemitasseError("nothing was displayed or tested in this run", str(file))
    return run


def _add(run: Run, entry: dict[str, Any]) -> None:
    at = entry.get("iteration")
    if not isinstance(at, int):
        return
    if entry.get("event") == "display":
        for series, key in ((run.loss, "loss"), (run.smoothed, "smoothed_loss"), (run.lr, "lr")):
            _set(series, at, entry.get(key))
    elif entry.get("event") == "test":
        net, scores = entry.get("net", 0), entry.get("scores")
        for name, value in scores.items() if isinstance(scores, dict) else ():
            label = f"{name} (test net {net})" if net else name
            _set(run.scores.setdefault(label, {}), at, value)
    elif entry.get("event") == "run":
        for series in (run.loss, run.smoothed, run.lr, *run.scores.values()):
            for later in [iteration for iteration in series if iteration >= at]:
                del series[later]


def _set(series: Series, at: int, value: object) -> None:
    """An infinite or undefined value is null in the log: a gap in the curve."""
    series[at] = float(value) if isinstance(value, int | float) else float("nan")
