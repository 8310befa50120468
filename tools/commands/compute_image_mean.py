"""demitasse compute_image_mean: write the mean image of a data set, and print channel means."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from engine.errors import DemitasseError
from engine.snapshot.atomic import write_atomically
from tools.console.bar import bar
from tools.datasets.mean import ImageMean, mean_blob
from tools.datasets.samples import good_samples
from tools.datasets.source import open_source
from tools.options.flags import add_flag
from tools.options.source import add_source_options, choices

log = logging.getLogger("demitasse")

_KINDS = {"lmdb": "LMDB", "leveldb": "LevelDB"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "source", metavar="DB", help="LMDB or LevelDB, or any other source of images of one size"
    )
    parser.add_argument(
        "output", metavar="MEAN", nargs="?", type=Path,
        help="the file to write, mean.binaryproto; without it the means are only printed",
    )  # fmt: skip
    add_flag(
        parser, "backend", choices=list(_KINDS),
        help="what DB is; it says so itself, unless told",
    )  # fmt: skip
    add_source_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Writes the mean and prints the channels', in Caffe's words."""
    output = arguments.output
    if output is not None and not output.absolute().parent.is_dir():
        raise DemitasseError("there is no such folder", str(output.parent), hint="make it first")
    source = open_source(arguments.source, choices(arguments))
    if arguments.backend and _KINDS[arguments.backend] != source.kind:
        raise DemitasseError(
            f"--backend says {arguments.backend}", arguments.source, source.kind,
            hint="leave --backend out",
        )  # fmt: skip
    mean = ImageMean(arguments.source)
    with bar(len(source.reader), " images") as progress:
        for _ in mean.add(good_samples(source.reader)):
            progress.update()
    if output is not None:
        write_atomically(output, mean_blob(mean.image).SerializeToString())
        size = "x".join(map(str, mean.image.shape))
        log.info("%s: the mean of %s images of %s", output, f"{mean.count:,}", size)
    for channel, value in enumerate(mean.channel_means):
        log.info("mean_value channel [%d]: %.6g", channel, value)
    return 0
