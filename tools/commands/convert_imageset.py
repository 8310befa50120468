"""demitasse convert_imageset: make a database of images named in a list, as Caffe's tool does."""

from __future__ import annotations

import argparse
import logging
import os
from pathlib import Path

from engine.data.readers.image_list import ImageListReader
from engine.data.writers import BACKENDS, new_database
from engine.data.writers.folder import refuse_existing
from engine.errors import DemitasseError
from tools.console.bar import bar
from tools.datasets.image_set import ImageSet, ImageSetOptions, shuffled
from tools.options.flags import add_flag, add_switch

log = logging.getLogger("demitasse")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options, by Caffe's names."""
    parser.add_argument("root", metavar="ROOTFOLDER", help="put before every path of the list")
    parser.add_argument(
        "list", metavar="LISTFILE", help="a line for each image: its path, a space, its label"
    )
    parser.add_argument("database", metavar="DB_NAME", help="the folder to make; it must not exist")
    add_flag(
        parser, "backend", choices=list(BACKENDS), default="lmdb", help="lmdb unless told"
    )  # fmt: skip
    add_flag(
        parser, "resize_width", type=int, default=0, metavar="W", help="0, as it is, unless told"
    )
    add_flag(
        parser, "resize_height", type=int, default=0, metavar="H", help="0, as it is, unless told"
    )
    add_switch(parser, "shuffle", "put the images in a random order")
    add_flag(
        parser, "seed", type=int, default=0, metavar="N", help="of that order; 0 unless told"
    )  # fmt: skip
    add_switch(parser, "gray", "one channel in the place of three")
    add_switch(parser, "encoded", "keep image files, in the place of pixels")
    add_flag(
        parser, "encode_type", default="", metavar="TYPE",
        help="which files: png, jpg, ...; each image's own unless told; means --encoded",
    )  # fmt: skip
    add_switch(parser, "check_size", "images of different sizes are an error")
    add_flag(
        parser, "label_count", type=int, default=1, metavar="N",
        help="numbers that end a line; 1 unless told; several are kept as float labels",
    )  # fmt: skip
    add_flag(
        parser, "on_bad_record", choices=["error", "skip"], default="error",
        help="what an image that cannot be read does; Caffe skips it; error unless told",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Writes the database; it appears when it is complete."""
    path = Path(arguments.database)
    refuse_existing(path)
    images = _image_set(arguments)
    written = 0
    with new_database(path, arguments.backend) as database, bar(len(images), " images") as progress:
        for made in images.write(database):
            written += made.problem is None
            progress.update()
    log.info("%s: %s images", path, f"{written:,}")
    return 0


def _image_set(arguments: argparse.Namespace) -> ImageSet:
    size = (arguments.resize_height, arguments.resize_width)
    if min(size) < 0 or bool(size[0]) != bool(size[1]):
        raise DemitasseError(
            "--resize_height and --resize_width go together, both above 0",
            got=f"{size[0]} and {size[1]}",
        )
    if arguments.label_count < 1:
        raise DemitasseError("--label_count must be above 0", got=str(arguments.label_count))
    if arguments.seed < 0:
        raise DemitasseError("--seed must not be negative", got=str(arguments.seed))
    source = Path(arguments.list)
    if not source.is_file():
        raise DemitasseError("there is no such list of images", str(source))
    if not Path(arguments.root).is_dir():
        raise DemitasseError(
            "there is no such folder of images", arguments.root, hint="/ for paths from the root"
        )
    reader = ImageListReader(
        source, str(source), Path, os.path.join(arguments.root, ""), arguments.label_count
    )
    skip = arguments.on_bad_record == "skip"
    if reader.known_bad and not skip:
        raise next(iter(reader.known_bad.values()))
    options = ImageSetOptions(
        size, arguments.gray, arguments.encoded, arguments.encode_type.lstrip("."),
        arguments.check_size, skip,
    )  # fmt: skip
    seed = arguments.seed if arguments.shuffle else None
    return ImageSet(reader, shuffled(len(reader), seed), options)
