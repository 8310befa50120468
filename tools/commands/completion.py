"""demitasse completion: print what makes a shell complete commands, options, keys and layers."""

from __future__ import annotations

import argparse
import sys

from tools.completion.shell import SHELLS, shell_code

_USE = """\
to complete in every new shell:
  bash   echo 'eval "$(demitasse completion bash)"' >> ~/.bashrc
  zsh    echo 'eval "$(demitasse completion zsh)"' >> ~/.zshrc   (after compinit)
  fish   demitasse completion fish > ~/.config/fish/conf.d/demitasse.fish
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the argument."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _USE
    parser.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")


def run(arguments: argparse.Namespace) -> int:
    """Prints the shell's code."""
    sys.stdout.write(shell_code(arguments.shell))
    return 0
