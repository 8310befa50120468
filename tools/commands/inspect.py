"""demitasse inspect: tell what is in a data set, and show its first images."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.errors import DemitasseError
from tools.console.bar import bar
from tools.datasets.samples import Sample, samples
from tools.datasets.sheet import picture, write_sheet
from tools.datasets.source import Source, open_source
from tools.datasets.summary import Summary
from tools.datasets.summary_text import summary_text
from tools.options.source import add_source_options, choices
from tools.plotting.figures import figure_class, picture_form

log = logging.getLogger("demitasse")

BAD = 1
_MOST = 400  # images on a sheet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "source", metavar="SOURCE",
        help="LMDB, LevelDB, HDF5 or a list of HDF5 files, a list of images, a window file, a "
        "folder of class folders, .csv, .npy, .npz or idx",
    )  # fmt: skip
    add_source_options(parser)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--limit", type=int, metavar="N", help="look at the first N records only")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="draw a contact sheet: NAME.png"
    )
    parser.add_argument(
        "--images", type=int, default=40, metavar="N", help="images on it; the first 40 unless told"
    )
    parser.add_argument(
        "--shuffle", action="store_true", help="take those images from anywhere in the source"
    )
    parser.add_argument(
        "--rgb", action="store_true",
        help="show three channels as red, green, blue, as CIFAR's databases have them; "
        "blue, green, red, as Caffe's images, unless told",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Prints the figures; returns 0, or 1 where records are bad."""
    for name in ("limit", "images"):
        number = getattr(arguments, name)
        if number is not None and number < 1:
            raise DemitasseError(f"--{name} must be above 0", got=str(number))
    if arguments.images > _MOST:
        raise DemitasseError("too many --images for a sheet", "", str(arguments.images), f"{_MOST}")
    if arguments.output:
        picture_form(arguments.output)
        figure_class()
    source = open_source(arguments.source, choices(arguments))
    count = min(len(source.reader), arguments.limit or len(source.reader))
    wanted = _wanted(arguments, count)
    summary, kept = _look(source, count, set(wanted) if arguments.output else set())
    if arguments.output and kept:
        _draw(arguments, source, summary, kept)
    if arguments.json:
        facts = {"source": arguments.source, "kind": source.kind, **summary.facts()}
        sys.stdout.write(json.dumps({**facts, "classes": list(source.classes)}, indent=2) + "\n")
    else:
        sys.stdout.write(summary_text(arguments.source, source, summary))
        if arguments.output and kept:
            log.info("\n%s: %s images", arguments.output, f"{len(kept):,}")
    return BAD if summary.bad else 0


def _wanted(arguments: argparse.Namespace, count: int) -> Sequence[int]:
    """The records of the contact sheet."""
    images = min(arguments.images, count)
    if not arguments.shuffle:
        return range(images)
    return np.random.default_rng(0).choice(count, images, replace=False).tolist()


def _look(source: Source, count: int, wanted: set[int]) -> tuple[Summary, list[Sample]]:
    """The figures over the first records, and the samples among them that are wanted."""
    summary, kept = Summary(), []
    with bar(count, " records") as progress:
        for sample in summary.take(samples(source.reader, range(count))):
            if sample.record in wanted and isinstance(sample, Sample):
                kept.append(sample)
                if len(kept) == 1:
                    picture(sample.data, 0, 1, False)  # refused now, rather than at the end
            progress.update()
    return summary, kept


def _draw(
    arguments: argparse.Namespace, source: Source, summary: Summary, kept: list[Sample]
) -> None:
    values = summary.all_values()
    write_sheet(arguments.output, kept, values.min, values.max, source.classes, arguments.rgb)
