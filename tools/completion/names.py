"""Names that complete an argument: layer types, and the layers of the config on the line."""

from __future__ import annotations

import argparse
from typing import Any

from engine.errors import DemitasseError
from engine.spec import NetSpec, SolverSpec, find_file, read_net, read_solver
from engine.spec.raw import is_solver
from layers import layer_types
from tools.topics import TOPICS


def complete_type(prefix: str, **_: Any) -> list[str]:
    """Layer types."""
    import engine.data  # noqa: F401  (its import registers the sources that read files)

    return [name for name in layer_types() if name.lower().startswith(prefix.lower())]


def complete_topic(**_: Any) -> list[str]:
    """The numbers of the course's topics."""
    return [str(number) for number in sorted(TOPICS)]


def complete_layer(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """The layers of the config that the line names."""
    net = named_config(parsed_args)[1]
    return [layer.name for layer in net.param.layer] if net else []


def named_config(parsed: argparse.Namespace) -> tuple[SolverSpec | None, NetSpec | None]:
    """The solver and the net of the config that the line names; None for what cannot be read."""
    config = getattr(parsed, "config", None)
    if not isinstance(config, str):
        return None, None
    try:
        path = find_file(config)
        if not is_solver(path):
            return None, read_net(path)
        solver = read_solver(path)
        name = solver.param.net or solver.param.train_net
        if solver.net is None and name:
            return solver, read_net(find_file(name, solver.base))
        return solver, solver.net
    except DemitasseError:
        return None, None
