"""Where the console commands begin, before anything heavy is imported."""

from __future__ import annotations

import sys
from importlib import import_module


def demitasse() -> int:
    """``demitasse COMMAND``; returns its exit code."""
    return _start("tools.cli")


def train() -> int:
    """``train``, the same as ``demitasse train``; returns its exit code."""
    return _start("tools.commands.train")


def _start(module: str) -> int:
    # Imports take a third of a second, and Ctrl-C meets them too.
    try:
        code: int = import_module(module).main()
        return code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
