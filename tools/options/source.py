"""The options of commands that read a source of data by itself, without a net."""

from __future__ import annotations

import argparse

from layers.errors import DemitasseError
from tools.datasets.source import Choices


def add_source_options(parser: argparse.ArgumentParser) -> None:
    """Declares what a source may not say itself."""
    parser.add_argument(
        "--key", default="", metavar="NAME", help="the samples, in an .npz or HDF5 file of several"
    )
    parser.add_argument("--label-key", default="", metavar="NAME", help="their labels there")
    parser.add_argument(
        "--labels", default="", metavar="FILE", help="an array file of labels, for one of samples"
    )
    parser.add_argument(
        "--label-column", default="", metavar="C", help="of a table: a name, or a number (-1: last)"
    )
    parser.add_argument(
        "--root", default="", metavar="FOLDER", help="put before the paths of a list of images"
    )
    parser.add_argument(
        "--label-count", type=int, default=1, metavar="N", help="numbers that end its lines; 1"
    )


def choices(arguments: argparse.Namespace) -> Choices:
    """What the options say about the source.

    Raises:
        DemitasseError: a number makes no sense.
    """
    if arguments.label_count < 1:
        raise DemitasseError("--label-count must be above 0", got=str(arguments.label_count))
    return Choices(
        arguments.key, arguments.label_key, arguments.labels, arguments.label_column,
        arguments.root, arguments.label_count,
    )  # fmt: skip
