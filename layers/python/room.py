"""Rooms: where a module that a config names is imported and run, apart from everything else.

Two folders may each hold a ``my_layer.py``, and each of these may import a ``helper`` of its
own. So the modules of a folder stand in ``sys.modules`` only while they load or run, together
with the module that answers ``import caffe``; afterwards ``sys.modules`` is as it was before.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from layers.python import caffe

_rooms: dict[Path | None, Room] = {}


class Room:
    """A folder on the import path, and the modules that were imported from it.

    Args:
        folder: where the modules lie; None for modules found on Python's own path, which
            stay imported as any other.
    """

    def __init__(self, folder: Path | None):
        self.folder = folder
        self.modules: dict[str, ModuleType] = {}
        self._names = _importable(folder) if folder else set()
        self._pycaffe: bool | None = None

    def load(self, name: str) -> ModuleType:
        """Imports a module, or gives it back if this room has it already."""
        if self.folder:
            self._names.add(name.partition(".")[0])
            importlib.invalidate_caches()  # the file may be younger than the last look
        with self.entered():
            return importlib.import_module(name)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Puts the room's modules, and ``caffe``, into ``sys.modules`` for as long as it lasts."""
        aside = {name: sys.modules.pop(name) for name in self._strangers()}
        before = set(sys.modules)
        if self.folder:
            sys.path.insert(0, str(self.folder))
        sys.modules.update(self.modules)
        try:
            with self._caffe():
                yield
        finally:
            with suppress(ValueError):  # the layer may have taken it off the path itself
                sys.path.remove(str(self.folder))
            self._take_out(before)
            sys.modules.update(aside)

    @contextmanager
    def _caffe(self) -> Iterator[None]:
        """Answers ``import caffe`` where no pycaffe does."""
        if self._pycaffe is None:
            self._pycaffe = _pycaffe_is_installed()
        held = sys.modules.get("caffe")
        if self._pycaffe or held is not None:
            yield
            return
        sys.modules["caffe"] = caffe
        try:
            yield
        finally:
            sys.modules.pop("caffe", None)

    def _strangers(self) -> list[str]:
        """Modules from elsewhere that bear the name of one in this folder, and theirs."""
        tops = {
            name
            for name in self._names
            if name in sys.modules and not self._holds(sys.modules[name])
        }
        return [name for name in sys.modules if name.partition(".")[0] in tops] if tops else []

    def _take_out(self, before: set[str]) -> None:
        """Moves what was imported from this folder from ``sys.modules`` into the room."""
        for name in set(sys.modules) - before:
            top = name.partition(".")[0]
            # What the program itself has imported from this folder before stays shared.
            if top in self._names and top not in before:
                self.modules[name] = sys.modules.pop(name)

    def _holds(self, module: ModuleType) -> bool:
        file = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", ())), "")
        return bool(
            file and self.folder and Path(os.path.abspath(file)).is_relative_to(self.folder)
        )


def room_of(folder: Path | None) -> Room:
    """The one room of a folder."""
    return _rooms.setdefault(folder, Room(folder))


def _importable(folder: Path) -> set[str]:
    """The names that modules and packages in the folder are imported by."""
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    # Nobody means to replace these, and Python's own modules need them.
    return names - sys.stdlib_module_names - {"caffe"}


def _pycaffe_is_installed() -> bool:
    """Whether ``import caffe`` works without us: a folder of sources alone does not count."""
    if "caffe" in sys.modules:
        return sys.modules["caffe"] is not caffe
    spec: ModuleSpec | None = find_spec("caffe")
    if spec is None or not spec.origin:
        return False
    return any(Path(spec.origin).with_name(f"_caffe{end}").exists() for end in EXTENSION_SUFFIXES)
