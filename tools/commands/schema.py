"""demitasse schema: print the JSON Schema of configs, for editors."""

from __future__ import annotations

import argparse
import sys

from tools.editor.schema import schema_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "--type", action="append", default=[], metavar="TYPE",
        help="a layer type of your own that no installed package registers; may be repeated",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints it."""
    sys.stdout.write(schema_text(arguments.type))
    return 0
