"""demitasse init: write a commented starter config that trains at once."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from engine.errors import DemitasseError
from engine.snapshot.atomic import write_atomically

_FOLDER = Path(__file__).parents[1] / "starters"
_DIGITS = Path("configs") / "mnist" / "digits"


def kinds() -> list[str]:
    """The starters there are."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "kind", metavar="KIND", nargs="?", default="lenet", choices=kinds(),
        help=f"{', '.join(kinds())}; lenet unless told",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="the file to write (KIND.yaml); - prints it"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Writes the starter and says how to train it."""
    target = Path(arguments.output or f"{arguments.kind}.yaml")
    printed = arguments.output == "-"
    if not printed and target.exists() and not arguments.force:
        raise DemitasseError(
            "the file exists already", str(target), hint="--force replaces it, -o names another"
        )
    folder = Path.cwd() if printed else target.absolute().parent
    text = (_FOLDER / f"{arguments.kind}.yaml").read_text(encoding="utf-8")
    text = text.replace("@DIGITS@", _digits(folder)).replace(
        "@FILE@", f"{arguments.kind}.yaml" if printed else str(target)
    )
    if printed:
        sys.stdout.write(text)
        return 0
    write_atomically(target, text.encode())
    print(f"{target} written: train --config {target}")
    return 0


def _digits(folder: Path) -> str:
    """The bundled digits as a config in a folder would name them."""
    for above in (Path(__file__).resolve().parents[2], *(folder, *folder.parents)):
        digits = above / _DIGITS
        if digits.is_dir():
            inside = digits.is_relative_to(folder)
            found = Path(os.path.relpath(digits, folder)) if inside else digits
            return found.as_posix().replace("\\", "\\\\").replace('"', '\\"')
    return "digits"  # the config says what belongs there
