"""The option ``--engine`` of the commands that compute."""

from __future__ import annotations

import argparse

from engine.net.fast_passes import ENGINES, choose_engine


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """Declares it."""
    parser.add_argument(
        "--engine", choices=ENGINES, type=str.lower,
        help="compute by the layers in NumPy, or compiled for oneDNN; default: oneDNN where it is "
        "installed, or as DEMITASSE_ENGINE says",
    )  # fmt: skip


def use_engine(name: str | None) -> None:
    """Does as the option says."""
    if name is not None:
        choose_engine(name)
