"""demitasse snapshot: print what a snapshot or model file holds, or compare two."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.errors import SnapshotError
from engine.solver.config import config_yaml
from layers.errors import DemitasseError
from tools.console.json_text import add_json_option, json_text
from tools.snapshots.diff import diff_text
from tools.snapshots.facts import read_facts
from tools.snapshots.record import record
from tools.snapshots.text import facts_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "files", nargs="+", metavar="FILE",
        help="a .solverstate or .caffemodel, ours or Caffe's, binary or HDF5",
    )  # fmt: skip
    parser.add_argument(
        "--diff", action="store_true",
        help="compare two files: exit code 0 when they hold the same, 1 when they differ",
    )  # fmt: skip
    parser.add_argument(
        "--config", action="store_true",
        help="print the config that a solver state was made with, as YAML that repeats the run",
    )  # fmt: skip
    add_json_option(parser, "what the files hold")


def run(arguments: argparse.Namespace) -> int:
    """Prints or compares; returns 1 for files that differ.

    Raises:
        DemitasseError: a file is missing, damaged or something else.
    """
    paths = [Path(file) for file in arguments.files]
    if arguments.diff:
        if len(paths) != 2:
            raise DemitasseError("--diff compares two files", got=f"{len(paths)} files")
        if arguments.json:
            raise DemitasseError("--json prints files, one by one", got="--diff")
        text, differ = diff_text(read_facts(paths[0]), read_facts(paths[1]))
        sys.stdout.write(text)
        return int(differ)
    if arguments.json:
        sys.stdout.write(json_text([record(read_facts(path)) for path in paths]))
        return 0
    show = _config if arguments.config else lambda path: facts_text(read_facts(path))
    sys.stdout.write("\n".join(show(path) for path in paths))
    return 0


def _config(path: Path) -> str:
    progress = read_facts(path).progress
    if progress is None or not progress.HasField("config"):
        raise SnapshotError(
            "the file holds no config",
            str(path),
            hint="solver states (.solverstate) that demitasse wrote hold one",
        )
    return config_yaml(progress.config, progress.seed)
