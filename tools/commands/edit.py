"""demitasse edit: write --set into a YAML config; comments, order and layout stay."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from engine.errors import DemitasseError
from engine.snapshot.atomic import write_atomically
from engine.spec import find_file
from tools.editor.edit import edited
from tools.options.overrides import add_set_option


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument("config", metavar="CONFIG", help="the YAML file to change")
    add_set_option(parser, "solver.base_lr=0.005")
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write to this file instead of CONFIG"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what would change, and write nothing"
    )


def run(arguments: argparse.Namespace) -> int:
    """Changes the file and prints the difference; nothing is written where one --set is wrong."""
    if not arguments.overrides:
        raise DemitasseError("nothing to change", expected="--set PATH=VALUE, once or more")
    path = find_file(arguments.config)
    before, after = edited(path, arguments.overrides)
    target = Path(arguments.output or path)
    sys.stdout.writelines(
        difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True),
            str(path), str(target), n=0,
        )
    )  # fmt: skip
    if not arguments.dry_run and (after != before or arguments.output):
        write_atomically(target, after.encode())
    return 0
