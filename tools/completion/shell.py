"""Between the shell's TAB and argparse: argcomplete, where it is installed."""

from __future__ import annotations

import argparse
import os
import sys

from engine.errors import MissingDependency

SHELLS = ("bash", "zsh", "fish")
_COMMANDS = ["demitasse", "train"]


def answer_completion(parser: argparse.ArgumentParser) -> None:
    """Answers a shell that asks what may come next, and ends the process; else does nothing."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    try:
        import argcomplete
    except ImportError:
        sys.exit(1)  # the shell asked a question: the command itself must not run
    argcomplete.autocomplete(parser, always_complete_options="long")


def shell_code(shell: str) -> str:
    """What a shell has to read to complete our commands.

    Raises:
        MissingDependency: argcomplete is not installed.
    """
    try:
        import argcomplete
    except ImportError as problem:
        raise MissingDependency("argcomplete", "completion", "completion") from problem
    code: str = argcomplete.shellcode(_COMMANDS, shell=shell)
    # No space after what ends so, because the word goes on: our paths go on after a dot, too.
    return code.replace("[=/:]", "[=/:.]")
