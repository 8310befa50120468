"""demitasse init: write a commented starter config that trains at once."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from pathlib import Path

from engine.errors import DemitasseError
from engine.snapshot.atomic import write_atomically
from tools.editor.schema import schema_text

_FOLDER = Path(__file__).parents[1] / "starters"
_ROOT = Path(__file__).resolve().parents[2]
_DIGITS = Path("configs") / "mnist" / "digits"
_SCHEMA = Path("configs") / "demitasse.schema.json"

_DATA = re.compile(r"(    - name: digits\n.*?    - name: held_out\n(?:      [^\n]*\n)+)", re.DOTALL)
_TOP, _TEST_BATCH = re.compile(r"top: (\[.*\])"), re.compile(r"held_out(?:.|\n)*batch_size: (\S+)")


def kinds() -> list[str]:
    """The starters there are."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def sources() -> list[str]:
    """The kinds of data that a starter can be written for, beside the bundled digits."""
    return sorted(file.stem for file in (_FOLDER / "sources").glob("*.yaml"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    parser.add_argument(
        "kind", metavar="KIND", nargs="?", default="lenet", choices=kinds(),
        help=f"{', '.join(kinds())}; lenet unless told",
    )  # fmt: skip
    parser.add_argument(
        "--data", choices=sources(), metavar="SOURCE",
        help=f"data of your own: {', '.join(sources())}; the bundled digits unless told",
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
    schema = _schema(folder)
    text = (_FOLDER / f"{arguments.kind}.yaml").read_text(encoding="utf-8")
    if arguments.data:
        text = _with_source(text, arguments.data)
    name = shlex.quote(f"{arguments.kind}.yaml" if printed else str(target))  # as a shell wants it
    for mark, words in {"DIGITS": _digits(folder), "FILE": name, "SCHEMA": schema}.items():
        text = text.replace(f"@{mark}@", words)
    if printed:
        sys.stdout.write(text)
        return 0
    write_atomically(target, text.encode())
    when = "with your data in place, " if arguments.data else ""
    print(f"{target} written: {when}train --config {name}")
    beside = target.with_name("digits")
    if not arguments.data and _digits(folder) == "digits" and not beside.is_dir():
        place = shlex.quote(str(beside))
        print(f"the digits are not installed here: demitasse get mnist -o {place}")
    if schema == _SCHEMA.name:
        write_atomically(folder / schema, schema_text().encode())
        print(f"{target.with_name(schema)} written: editors complete and check {target.name} by it")
    return 0


def _with_source(text: str, kind: str) -> str:
    """A starter that reads data of another kind than the digits."""
    source = (_FOLDER / "sources" / f"{kind}.yaml").read_text(encoding="utf-8")
    what, train, test, layers = source.split("\n", 3)
    before, layer, rest = _DATA.split(text)
    top, batch = (found[1] for found in (_TOP.search(layer), _TEST_BATCH.search(layer)) if found)
    batch = f'"{batch}"' if "$" in batch else batch
    if top == "[data]" and "type: ImageFolder" in layers:  # which always makes labels
        top = "[data, label]"
        layers += "\n    - {name: unread, type: Silence, bottom: label}  # labels are not needed\n"
    layers = layers.replace("@TOP@", top).replace("@TEST_BATCH@", batch)
    places = f"  train: {train[2:]}  # {what[2:]}\n  test: {test[2:]}\n"
    note = (
        "# It reads your data; put it where `vars` say. Figures above are of the bundled digits.\n"
    )
    before = re.sub(r"  digits: .*\n", places, before)
    return before.replace("# yaml-language-server", note + "# yaml-language-server") + layers + rest


def _schema(folder: Path) -> str:
    """The JSON Schema as a config in a folder would name it: that of a checkout, or one beside."""
    inside = folder.is_relative_to(_ROOT) and (_ROOT / _SCHEMA).is_file()
    return Path(os.path.relpath(_ROOT / _SCHEMA, folder)).as_posix() if inside else _SCHEMA.name


def _digits(folder: Path) -> str:
    """The bundled digits as a config in a folder would name them."""
    for above in (_ROOT, *(folder, *folder.parents)):
        digits = above / _DIGITS
        if digits.is_dir():
            inside = digits.is_relative_to(folder)
            found = Path(os.path.relpath(digits, folder)) if inside else digits
            return found.as_posix().replace("\\", "\\\\").replace('"', '\\"')
    return "digits"  # the config says what belongs there
