"""The configs of tests/check/bad, each with the message that is expected of it beside it.

A config may say in its first line how it is checked: ``# demitasse check FILE --set ...``.
``python -m tests.harness.bad_configs`` writes the messages anew; read them before committing.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.harness.places import ROOT
from tools import cli

FOLDER = ROOT / "tests" / "check" / "bad"
_HIDDEN = {"DM502": "h5py"}  # packages that are missing where these configs are checked


def bad_configs() -> list[Path]:
    """All of them, by name; a name begins with the id of the problem."""
    return sorted(path for path in FOLDER.iterdir() if path.suffix != ".txt")


def command(config: Path) -> list[str]:
    """The arguments of demitasse that check a config."""
    first = config.read_text().partition("\n")[0]
    return shlex.split(first)[2:] if first.startswith("# demitasse ") else ["check", config.name]


def messages(config: Path) -> tuple[str, int]:
    """What a check says on stderr, and its exit code; the checkout lies in /demitasse."""
    hidden = _HIDDEN.get(config.name[:5])
    err = io.StringIO()
    with (
        contextlib.chdir(FOLDER),
        _without(hidden),
        contextlib.redirect_stderr(err),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        code = cli.main(command(config))
    return err.getvalue().replace(str(ROOT), "/demitasse"), code


@contextlib.contextmanager
def _without(package: str | None) -> Iterator[None]:
    """As if a package were not installed."""
    held = sys.modules.get(package or "")
    if package:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if package:
            sys.modules.pop(package)
        if package and held:
            sys.modules[package] = held


def expected(config: Path) -> Path:
    """The file with the expected message."""
    return config.with_name(config.name + ".txt")


if __name__ == "__main__":
    os.environ.setdefault("COLUMNS", "80")
    for each in bad_configs():
        expected(each).write_text(messages(each)[0])
