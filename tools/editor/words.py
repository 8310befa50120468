"""What the schema says of messages, fields and values, and the names that a field chooses among."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import Any

from engine.solver.schedules import POLICIES
from engine.solver.updates import find_rule, solver_types
from layers.fillers import FILLERS
from tools.layer_pages.page import LayerPage, all_pages

# What SolverParameter.regularization_type chooses among; its checks know the same two.
_PENALTIES = {"L2": "weight_decay times w", "L1": "weight_decay times the sign of w"}


@cache
def comments() -> dict[str, str]:
    """The comments of ``proto/demitasse.proto`` by dotted name."""
    text = files("engine.schema").joinpath("comments.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def described(name: str) -> str:
    """The comment on a name as a sentence; empty without one."""
    text = comments().get(name, "")
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") or not text else ".")


def choices(name: str) -> dict[str, str]:
    """The names that a string field chooses among, each with a line on it; empty for others."""
    find = _CHOICES.get(name)
    return find() if find else {}


def readers(param: str) -> list[str]:
    """The layer types that read a message of options, such as ``convolution_param``."""
    return [page.type for page in _pages() if param in page.parameters]


@cache
def _pages() -> list[LayerPage]:
    return all_pages()


def _layers() -> dict[str, str]:
    return {page.type: page.line for page in sorted(_pages(), key=lambda page: page.type)}


def _first_lines(named: dict[str, Any]) -> dict[str, str]:
    lines = {name: (thing.__doc__ or "").strip().splitlines() for name, thing in named.items()}
    return {name: line[0].replace("``", "`") if line else "" for name, line in lines.items()}


_CHOICES: dict[str, Callable[[], dict[str, str]]] = {
    "LayerParameter.type": _layers,
    "SolverParameter.type": lambda: _first_lines({n: find_rule(n) for n in solver_types()}),
    "SolverParameter.lr_policy": lambda: _first_lines(dict(POLICIES)),
    "SolverParameter.regularization_type": lambda: _PENALTIES,
    "FillerParameter.type": lambda: _first_lines(dict(FILLERS)),
}
