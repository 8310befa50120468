"""A snapshot as a page of text, 100 columns wide."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable

import numpy as np

from engine.schema import SolverParameter
from engine.snapshot.state_file import StoredState
from layers.blob import Array
from tools.console.table import table
from tools.snapshots.facts import Facts

_WIDTH, _LABEL = 100, 14
_SCHEDULE = ("base_lr", "lr_policy", "momentum", "weight_decay", "max_iter")


def facts_text(facts: Facts) -> str:
    """The page of one file."""
    lines = [str(facts.path), *_about(facts)]
    if facts.state is not None:
        lines += _of_state(facts, facts.state)
    if facts.model is not None:
        lines += ["", *_parameters(facts)]
    if facts.state is not None and facts.state.history:
        lines += ["", *_history(facts)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def norm(array: Array) -> float:
    """The Euclidean norm, summed in doubles."""
    return float(np.linalg.norm(np.asarray(array, np.float64)))


def _about(facts: Facts) -> list[str]:
    size = f"{os.path.getsize(facts.path):,} bytes"
    if facts.state is not None:
        kind = "solver state"
        ours = facts.progress is not None
    else:
        kind, ours = "model", facts.model is not None and facts.model.digest is not None
    form = "HDF5" if facts.path.name.endswith(".h5") else "binary"
    origin = "by demitasse, checksum good" if ours else "by another program, without checksum"
    return [f"{kind}, {form}, {size}, {origin}"]


def _of_state(facts: Facts, state: StoredState) -> list[str]:
    lines = ["", *_labelled("iteration", f"{state.iteration:,}")]
    progress = facts.progress
    if progress is not None and progress.HasField("config"):
        lines += _labelled("solver", _solver(progress.config))
    lines += _labelled("rate drops", str(state.current_step))
    if progress is None:
        lines += _labelled("exact state", "none: data positions and random states are not kept")
    else:
        lines += _labelled("seed", str(progress.seed))
        if progress.recent_loss:
            mean = float(np.mean(progress.recent_loss))
            count = len(progress.recent_loss)
            lines += _labelled("loss", f"{mean:.6g}, the mean of the last {count}")
        lines += _labelled("position", *_positions(facts))
        lines += _labelled("data", *progress.data_fingerprint)
        lines += _labelled("also", *(part.name for part in progress.part))
        lines += _labelled("versions", progress.versions)
        lines += _labelled("threads", str(progress.threads or ""))
        lines += _labelled("config", _config(progress.config_digest))
    lines += _labelled("model", facts.model_problem or state.learned_net)
    return lines


def _labelled(label: str, *values: str) -> list[str]:
    """Values beside their label, long ones over several lines; nothing of nothing."""
    lines = []
    for value in values:
        for part in value.splitlines():
            lines += textwrap.wrap(part, _WIDTH - _LABEL, break_on_hyphens=False) if part else []
    heads = [label, *[""] * len(lines)]
    return [f"{head:{_LABEL}}{line}" for head, line in zip(heads, lines, strict=False)]


def _solver(config: SolverParameter) -> str:
    named = [
        f"{name} {getattr(config, name):g}"
        if isinstance(getattr(config, name), float)
        else f"{name} {getattr(config, name)}"
        for name in _SCHEDULE
        if getattr(config, name)
    ]
    return f"{config.type} ({', '.join(named)})"


def _positions(facts: Facts) -> list[str]:
    ending = ".position"
    return [
        f"{name.removesuffix(ending)}: {int(value):,} samples given"
        for name, value in facts.settings.items()
        if name.endswith(ending)
    ]


def _config(digest: str) -> str:
    return f"{digest[:16]} (--config prints it)" if digest else ""


def _parameters(facts: Facts) -> list[str]:
    assert facts.model is not None
    rows = [["parameters", "type", "shape", "values", "norm", "min", "max"]]
    total = 0
    for layer, arrays in facts.model.params.items():
        for index, array in enumerate(arrays):
            kind = facts.model.types.get(layer, "") if index == 0 else ""
            name = f"{layer}[{index}]"
            if array is None:
                rows.append([name, kind, "shared", "", "", "", ""])
            else:
                total += array.size
                rows.append([name, kind, *_described(array)])
    return [*_fitted(rows, 3), f"{total:,} values in all"]


def _history(facts: Facts) -> list[str]:
    rows = [["history", "shape", "values", "norm", "min", "max"]]
    for name, array in facts.arrays.items():
        if name.startswith("history["):
            rows.append([name, *_described(array)])
    return _fitted(rows, 2)


def _described(array: Array) -> list[str]:
    shape = "x".join(map(str, array.shape)) or "scalar"
    if not array.size:
        return [shape, "0", "", "", ""]
    numbers: Iterable[float] = (norm(array), float(array.min()), float(array.max()))
    return [shape, f"{array.size:,}", *(f"{number:.4g}" for number in numbers)]


def _fitted(rows: list[list[str]], left: int) -> list[str]:
    """The table, numbers from column ``left`` on; the middle of overlong names is left out."""
    room = 40
    short = [
        [row[0] if len(row[0]) <= room else f"{row[0][:18]}...{row[0][-19:]}", *row[1:]]
        for row in rows
    ]
    head, *body = short
    return table(head, body, range(left, len(head))).splitlines()
