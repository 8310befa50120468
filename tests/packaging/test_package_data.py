"""What is installed holds every file that the code reads: those that are no Python, too."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.harness.places import ROOT

PACKAGES = ("engine", "layers", "tools")
NOT_READ = {".nbc", ".nbi", ".pyc", ".pyi"}  # caches; stubs are in the list of their own accord


def test_every_file_of_the_packages_is_installed() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed: dict[str, list[str]] = settings["tool"]["setuptools"]["package-data"]
    installed: set[Path] = set()
    for package, patterns in listed.items():
        for pattern in patterns:
            found = set((ROOT / package.replace(".", "/")).glob(pattern))
            assert found, f"package-data of {package}: nothing is called {pattern}"
            installed |= found
    others = {
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".py" and path.suffix not in NOT_READ
    }
    missing = sorted(str(path.relative_to(ROOT)) for path in others - installed)
    assert not missing, "add to package-data in pyproject.toml"
