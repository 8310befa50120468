"""Flags as Caffe's tools take them: ``--resize_width=64``, ``-resize_width 64``, ``--nogray``."""

from __future__ import annotations

import argparse
from typing import Any


def add_flag(parser: argparse.ArgumentParser, name: str, **settings: Any) -> None:
    """Declares a flag with a value, by Caffe's name; one dash, and dashes in the name, do too."""
    parser.add_argument(f"--{name}", **settings)
    quiet = {**settings, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
    parser.add_argument(*_others(name), **quiet, dest=name)


def add_switch(parser: argparse.ArgumentParser, name: str, help: str) -> None:
    """Declares a flag that is on or off, ``--name=true`` and ``--name=false`` included."""
    parser.add_argument(f"--{name}", action="store_true", help=help)
    for action, values in (("store_true", ("true", "1")), ("store_false", ("false", "0"))):
        words = [name, *(f"{name}={value}" for value in values)]
        words = [f"no{name}", *words[1:]] if action == "store_false" else words
        spelt = [f"{dashes}{word}" for word in words for dashes in ("--", "-")]
        dashed = [word.replace("_", "-") for word in spelt]
        parser.add_argument(
            *sorted({*spelt, *dashed} - {f"--{name}"}),
            action=action, dest=name, default=argparse.SUPPRESS, help=argparse.SUPPRESS,
        )  # fmt: skip


def _others(name: str) -> list[str]:
    dashed = name.replace("_", "-")
    return sorted({f"-{name}", f"-{dashed}", f"--{dashed}"} - {f"--{name}"})
