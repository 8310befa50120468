"""demitasse show: print a config with its includes, variables, blocks and --set resolved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from engine.errors import DemitasseError
from engine.schema import SolverParameter
from engine.spec import NetSpec, SolverSpec, read_net, read_solver
from engine.spec.files import find_file
from engine.spec.node import as_plain
from engine.spec.raw import is_solver, sections
from engine.spec.write import to_prototxt
from engine.spec.yaml_form import parse_yaml
from tools.console.json_text import add_json_option, json_text
from tools.options.overrides import add_set_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("config", metavar="CONFIG", help="a net or a solver")
    add_set_option(parser, "solver.base_lr=0.005")
    parser.add_argument(
        "--format", choices=["yaml", "prototxt"], default="yaml", help="yaml unless told"
    )
    parser.add_argument(
        "--origin", action="store_true", help="say beside each value where it comes from"
    )
    add_json_option(parser)


def run(arguments: argparse.Namespace) -> int:
    """Prints the config; what was upgraded goes to stderr."""
    path = find_file(arguments.config)
    net: NetSpec | None
    solver: SolverSpec | None = None
    if is_solver(path):
        solver = read_solver(path, arguments.overrides)
        net = solver.net
    else:
        net = read_net(path, arguments.overrides)
    notices = [*(solver.notices if solver else []), *(net.notices if net else [])]
    for notice in notices:
        print(f"{path}: {notice}", file=sys.stderr)
    if solver is not None and net is None and solver.net_overrides:
        said = ", ".join(solver.net_overrides)
        print(f"warning: not shown, because the net is another file: {said}", file=sys.stderr)
    if arguments.json and (arguments.origin or arguments.format != "yaml"):
        raise DemitasseError("--json excludes --format and --origin: JSON has no comments")
    shown = text(solver, net, arguments.format, arguments.origin)
    sys.stdout.write(json_text(as_plain(parse_yaml(shown))) if arguments.json else shown)
    return 0


def text(solver: SolverSpec | None, net: NetSpec | None, form: str, origin: bool) -> str:
    """A config as text; ``origin`` adds comments on where its values come from."""
    message: Any = solver.param if solver else net.param if net else None
    of_solver = _notes(solver) if solver and origin else None
    of_net = _notes(net) if net and origin else None
    if solver and net:
        message = SolverParameter()
        message.CopyFrom(solver.param)
        message.net_param.CopyFrom(net.param)
    if form == "yaml":
        return sections(message, of_solver, of_net)
    return to_prototxt(message, _either(of_solver, of_net))


def _either(
    of_solver: Callable[[str], str] | None, of_net: Callable[[str], str] | None
) -> Callable[[str], str] | None:
    def note(path: str) -> str:
        if of_net and path.startswith("net_param."):
            return of_net(path.removeprefix("net_param."))
        return of_solver(path) if of_solver else of_net(path) if of_net else ""

    return note if of_solver or of_net else None


def _notes(spec: NetSpec | SolverSpec) -> Callable[[str], str]:
    """Where each value was written, by its path."""
    layers = spec.param.layer if isinstance(spec, NetSpec) else ()

    def note(path: str) -> str:
        parts = path.split(".")
        if spec.notices and parts[0] == "layer" and layers:
            # The upgrade moved the layers: those that it kept are found by their names.
            parts[1] = layers[int(parts[1])].name
            place = spec.origins.field(".".join(parts)) or spec.origins.layer(parts[1])
        else:
            place = spec.origins.at(path)
        return str(place or "")

    return note
