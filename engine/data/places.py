"""Finds the files and folders that configs, and lists named in configs, mean."""

from __future__ import annotations

import os.path
from collections.abc import Callable
from pathlib import Path

from layers.errors import DemitasseError

FindFile = Callable[[str], Path]


def find_folder(name: str, find_file: FindFile) -> Path:
    """The folder that a config means by a name, looked for where files are.

    Raises:
        DemitasseError: there is no such folder, or it is a file.
    """
    if os.path.isdir(name):  # False, where Path.is_dir raises, for names no system allows
        return Path(name)
    hint = ""
    try:
        path = Path(find_file(name))
    except DemitasseError as problem:
        # It names the folder it met in the place of a file.
        path, hint = Path(problem.where or name), problem.hint
    if path.is_dir():
        return path
    if path.exists():
        raise DemitasseError(f'"{name}" is not a folder', str(path), id="DM001")
    raise DemitasseError(f'there is no folder "{name}"', hint=hint, id="DM001")


class ListedFiles:
    """Finds the files of a list: as seen from here, from the list's folder, or from the config's.

    Most lists name thousands of files in one place, so the place of the last one found is looked
    at first.

    Args:
        base: the folder of the list.
        find_file: finds a file as seen from the config.
    """

    def __init__(self, base: Path, find_file: FindFile):
        self._base, self._find_file = base, find_file
        self._last = Path()

    def __call__(self, name: str) -> Path:
        """The path of a file; where it is nowhere, the path as seen from here."""
        for base in (self._last, Path(), self._base):
            if os.path.isfile(base / name):
                self._last = base
                return base / name
        try:
            found = Path(self._find_file(name))
        except DemitasseError:
            return Path(name)
        if os.path.isfile(found) and found.parts[-len(Path(name).parts) :] == Path(name).parts:
            self._last = Path(*found.parts[: -len(Path(name).parts)])
        return found


def read_list(path: Path, source: str) -> list[str]:
    """The lines of a text file.

    Raises:
        DemitasseError: it is not a text file.
    """
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DemitasseError(f'source "{source}" is not a text file', str(path)) from problem
