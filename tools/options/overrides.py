"""The option ``--set`` of the commands that read a config."""

from __future__ import annotations

import argparse

from tools.completion.paths import complete_override


def add_set_option(parser: argparse.ArgumentParser, example: str) -> None:
    """Declares it.

    Args:
        parser: the command's.
        example: what the help shows, such as ``vars.batch=8``.
    """
    option = parser.add_argument(
        "--set", action="append", default=[], metavar="PATH=VALUE", dest="overrides",
        help=f"override a setting, e.g. {example}; may be repeated",
    )  # fmt: skip
    option.completer = complete_override  # type: ignore[attr-defined]
