"""demitasse convert: write a net or solver in another form, YAML, prototxt or binary."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.errors import DemitasseError, did_you_mean
from engine.snapshot.atomic import write_atomically
from engine.spec.raw import KINDS, read_raw, write_raw
from engine.spec.source import EXTENSIONS, Form


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "source", metavar="A", help="the file to read: .yaml, .prototxt, .caffemodel, .binaryproto"
    )
    parser.add_argument("target", metavar="B", help="the file to write, in the form of its ending")
    parser.add_argument(
        "--as", dest="kind", choices=list(KINDS), help="what A holds, where that is not plain"
    )
    parser.add_argument(
        "--drop-unknown", action="store_true", help="leave out what a text has no names for"
    )


def run(arguments: argparse.Namespace) -> int:
    """Converts; variables, includes and blocks are expanded, nothing else changes."""
    source, target = Path(arguments.source), Path(arguments.target)
    form = form_for(target)
    refuse_same(source, target)
    message = read_raw(source, arguments.kind)
    try:
        written = write_raw(message, form, arguments.drop_unknown)
    except DemitasseError as error:
        error.where = error.where or arguments.source
        raise
    write_atomically(target, written)
    return 0


def refuse_same(source: Path, target: Path) -> None:
    """A config is not written over itself: comments, variables and blocks would be gone.

    Raises:
        DemitasseError: both names are of one text file.
    """
    if form_for(target) == "binary" or not (source.exists() and target.exists()):
        return
    if target.samefile(source):
        raise DemitasseError(
            "the file would be written over itself, without its comments, variables and blocks",
            str(target),
            hint="name another; `demitasse edit` changes values in their place",
        )


def form_for(target: Path) -> Form:
    """The form that a file is to be written in.

    Raises:
        DemitasseError: its name does not say.
    """
    extension = target.suffix.lower()
    if extension not in EXTENSIONS or extension == ".json":
        known = [each for each in EXTENSIONS if each != ".json"]
        raise DemitasseError(
            "the file's name does not say in which form to write it",
            str(target),
            got=f'"{extension}"' if extension else "no extension",
            expected=", ".join(known),
            hint=did_you_mean(extension, known),
        )
    return EXTENSIONS[extension]
