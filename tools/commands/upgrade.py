"""demitasse upgrade: bring an old net or solver (V0, V1) to the newest form."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import DemitasseError
from engine.schema import NetParameter, SolverParameter
from engine.snapshot.atomic import write_atomically
from engine.spec.raw import read_raw, write_raw
from engine.spec.source import form_of
from engine.spec.upgrade import upgrade_net, upgrade_solver
from tools.commands.convert import form_for, refuse_same


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("source", metavar="IN", help="a prototxt, YAML or binary file")
    parser.add_argument(
        "target", metavar="OUT", nargs="?", help="the file to write; without it text is printed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Upgrades; says on stderr what changed."""
    source = Path(arguments.source)
    if arguments.target:
        refuse_same(source, Path(arguments.target))
    message = read_raw(source)
    if isinstance(message, NetParameter):
        notices = upgrade_net(message)
    elif isinstance(message, SolverParameter):
        notices = upgrade_solver(message)
    else:
        kind = message.DESCRIPTOR.name
        raise DemitasseError("only nets and solvers have older forms", str(source), got=kind)
    for notice in notices or ["of the newest form already: nothing to upgrade"]:
        print(f"{source}: {notice}", file=sys.stderr)
    if arguments.target:
        target = Path(arguments.target)
        write_atomically(target, write_raw(message, form_for(target)))
        return 0
    form = form_of(source, source.read_bytes())
    if form == "binary":
        raise DemitasseError(
            "a binary file is not printed", str(source), expected="demitasse upgrade IN OUT"
        )
    sys.stdout.write(write_raw(message, form).decode())
    return 0
