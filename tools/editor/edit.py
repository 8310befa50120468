"""``--set`` written into a config: what it reads as afterwards is what ``--set`` would give."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, DemitasseError
from engine.spec import NetSpec, SolverSpec, parse_net, parse_solver
from engine.spec.files import decode_text, read_bytes
from engine.spec.node import Mapping
from engine.spec.raw import is_solver
from engine.spec.source import form_of
from engine.spec.units import OTHER_UNIT
from engine.spec.yaml_form import parse_yaml
from tools.editor.splice import splice


def edited(path: Path, overrides: Sequence[str]) -> tuple[str, str]:
    """The text of a YAML config, and the same with the overrides written into it.

    Raises:
        DemitasseError: the file is no YAML config, an override is wrong, or what it changes is
            not written in this file.
    """
    data = read_bytes(path)
    if form_of(path, data) != "yaml":
        raise DemitasseError(
            "only YAML configs are edited", str(path), hint="demitasse convert makes one"
        )
    before = text = decode_text(data, str(path))
    solver = is_solver(path)
    for override in overrides:
        wanted = _meaning(text, path, solver, [override])
        text = _with(text, path, solver, override, wanted)
    return before, text


def _with(text: str, path: Path, solver: bool, override: str, wanted: list[Any]) -> str:
    """The text with one override in it."""
    name, _, value = override.partition("=")
    keys = _keys(text, name.strip().split("."), solver)
    root, _, field = name.strip().partition(".")
    other = OTHER_UNIT.get(field, "") if root == "solver" else ""
    try:
        # A text that YAML would take for something else has to stand in quotes.
        for written in (value.strip(), json.dumps(value.strip())):
            new = splice(text, keys, written, other)
            with suppress(ConfigError):
                if _meaning(new, path, solver, []) == wanted:
                    return new
    except DemitasseError as problem:
        raise _not_here(override, path, problem.what, problem.hint) from None
    raise _not_here(override, path, "written there it would change more, or less, than this")


def _not_here(override: str, path: Path, why: str, hint: str = "") -> DemitasseError:
    from_elsewhere = "the value may come from a block, a variable or an included file: "
    return DemitasseError(
        f"cannot be written into the file: {why}",
        f"--set {override}",
        hint=hint or f"{from_elsewhere}demitasse show {path} --origin",
    )


def _keys(text: str, path: list[str], solver: bool) -> list[str]:
    """The path as the file has it: a net or solver may stand there without its section."""
    tree = parse_yaml(text)
    sectioned = isinstance(tree.get(path[0]), Mapping)
    bare = path[0] == ("solver" if solver else "net") and not sectioned
    return path[1:] if bare else path


def _meaning(text: str, path: Path, solver: bool, overrides: Sequence[str]) -> list[Any]:
    """The messages that a text comes to."""
    read = parse_solver if solver else parse_net
    spec: SolverSpec | NetSpec = read(text, str(path), overrides)
    if isinstance(spec, NetSpec):
        return [spec.param]
    if spec.net is None and spec.net_overrides:
        raise DemitasseError(
            "the net is another file", f"--set {spec.net_overrides[0]}",
            hint=f"edit that one: {spec.param.net or spec.param.train_net}",
        )  # fmt: skip
    return [spec.param, spec.net.param if spec.net else None]
