"""``demitasse COMMAND``: the umbrella over all commands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from tools.commands import (
    check,
    completion,
    compute_image_mean,
    convert,
    convert_imageset,
    course,
    draw,
    edit,
    extract_features,
    get,
    gradcheck,
    init,
    inspect,
    layers,
    plot,
    schema,
    show,
    snapshot,
    time,
    train,
    upgrade,
)
from tools.completion.shell import answer_completion
from tools.console.run import run_command

COMMANDS = {
    "train": train,
    "check": check,
    "time": time,
    "layers": layers,
    "convert": convert,
    "init": init,
    "show": show,
    "edit": edit,
    "snapshot": snapshot,
    "upgrade": upgrade,
    "schema": schema,
    "gradcheck": gradcheck,
    "draw": draw,
    "plot": plot,
    "course": course,
    "completion": completion,
    "get": get,
    "inspect": inspect,
    "convert_imageset": convert_imageset,
    "compute_image_mean": compute_image_mean,
    "extract_features": extract_features,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code (2 for wrong input)."""
    parser = command_parser()
    answer_completion(parser)
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:  # told with the usage of the command, where parse_args shows the umbrella's
        arguments.command_parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return run_command(arguments.run, arguments)


def command_parser() -> argparse.ArgumentParser:
    """The parser of all commands and their options."""
    parser = argparse.ArgumentParser(
        prog="demitasse", description="Caffe in a small cup: train nets from config files."
    )
    parser.add_argument("--version", action="version", version=f"demitasse {version('demitasse')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").splitlines()[0].partition(": ")[2]
        command = commands.add_parser(name, help=summary, description=summary)
        module.add_arguments(command)
        command.set_defaults(run=module.run, command_parser=command)
    return parser


if __name__ == "__main__":
    sys.exit(main())
