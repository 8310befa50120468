"""Flags as Caffe's tools take them: ``--resize_width=64``, ``-resize_width 64``, ``--nogray``."""

from __future__ import annotations

import argparse
from typing import Any


def add_flag(parser: argparse.ArgumentParser, name: str, **settings: Any) -> None:
    """Declares a flag with a value, by Caffe's name; one dash, and dashes in the name, do too."""
    parser.add_argument(f"--{name}", **settings)
    quiet = {**settings, "help": argparse.SUPPRESS, "default": argparse.SUPPRESS}
    parser.add_argument(*_other_spellings(name, [name]), **quiet, dest=name)


def add_switch(parser: argparse.ArgumentParser, name: str, help: str) -> None:
    """Declares a flag that is on or off, ``--name=true`` and ``--name=false`` included."""
    parser.add_argument(f"--{name}", action="store_true", help=help)
    on = [name, f"{name}=true", f"{name}=1"]
    off = [f"no{name}", f"{name}=false", f"{name}=0"]
    for action, words in (("store_true", on), ("store_false", off)):
        parser.add_argument(
            *_other_spellings(name, words),
            action=action, dest=name, default=argparse.SUPPRESS, help=argparse.SUPPRESS,
        )  # fmt: skip


def _other_spellings(name: str, words: list[str]) -> list[str]:
    """The words behind one dash or two, with underscores or dashes; not the flag itself."""
    spelt = {f"{dashes}{word}" for word in words for dashes in ("--", "-")}
    return sorted((spelt | {word.replace("_", "-") for word in spelt}) - {f"--{name}"})
