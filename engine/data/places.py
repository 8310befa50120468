"""Finds the files and folders that configs, and lists named in configs, mean."""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable
from pathlib import Path

from engine.spec.binary import HDF5_MAGIC
from layers.errors import DemitasseError

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f\x7f]")

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

    Names in another code than UTF-8 are kept as Python keeps names of files, so that they lead to
    the files whose names have these very bytes, as in Caffe.

    Raises:
        DemitasseError: it is not a text file.
    """
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise _no_text(path, source, problem.strerror or str(problem)) from problem
    if not is_text(data):
        got = "an HDF5 file itself" if data.startswith(HDF5_MAGIC) else ""
        raise _no_text(path, source, got, "write its name into a text file" if got else "")
    return data.decode("utf-8-sig", "surrogateescape").splitlines()


def is_text(data: bytes) -> bool:
    """Whether bytes can be text in any code that has ASCII's letters; they may be none."""
    return _CONTROL.search(data) is None


def _no_text(path: Path, source: str, got: str, hint: str = "") -> DemitasseError:
    return DemitasseError(f'source "{source}" is not a text file', str(path), got, hint=hint)
