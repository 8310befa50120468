"""File names in a net made absolute, so that the net can be read from another folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from engine.errors import DemitasseError
from engine.schema import NetParameter
from engine.spec.files import find_file

# The fields of layers that name files or folders to read.
_NAMES = (
    "source",
    "label_source",
    "mean_file",
    "root_folder",
    "label_map_file",
    "name_size_file",
    "video_file",
)


def make_absolute(net: NetParameter, base: Path | None) -> None:
    """Changes the names of files and folders that a net reads to where they are now.

    What is not there, or is no plain name of something that is, stays as it is written.

    Args:
        net: a net of the newest form, which is changed.
        base: the folder of the config that it was read from.
    """
    for layer in net.layer:
        for field, value in layer.ListFields():
            if field.message_type is not None and hasattr(value, "ListFields"):
                _in_options(value, base)


def _in_options(options: Any, base: Path | None) -> None:
    for field, value in options.ListFields():
        if field.name in _NAMES and isinstance(value, str):
            place = _place(value, base)
            if place is not None:
                # root_folder is put before names: its last slash has to stay.
                slash = "/" * value.endswith("/")
                setattr(options, field.name, os.path.normpath(place) + slash)


def _place(name: str, base: Path | None) -> Path | None:
    """Where a file, or a folder such as a database, is found."""
    if not name:
        return None
    if os.path.isdir(name):
        return Path(name).absolute()
    try:
        return find_file(name, base).absolute()
    except DemitasseError as problem:
        # A folder that the search met in the place of a file is the error's place.
        met = Path(problem.where) if problem.where else None
        return met.absolute() if met is not None and met.is_dir() else None
