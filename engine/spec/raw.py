"""Files as the messages they hold, not upgraded, and messages as files of any form."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from engine.errors import ConfigError, DemitasseError, identified
from engine.schema import BlobProto, Datum, NetParameter, SolverParameter, SolverState
from engine.spec.binary import HDF5_MAGIC, decode_message
from engine.spec.bind import bind
from engine.spec.expand import expand
from engine.spec.files import decode_text, find_file, read_bytes
from engine.spec.implied import add_implied, add_implied_to_solver
from engine.spec.node import Entry, Mapping
from engine.spec.source import Form, form_of, text_tree
from engine.spec.write import to_prototxt, to_yaml

KINDS: dict[str, type[Message]] = {
    "net": NetParameter,
    "solver": SolverParameter,
    "state": SolverState,
    "blob": BlobProto,
    "datum": Datum,
}
_BY_EXTENSION = {".caffemodel": "net", ".solverstate": "state"}


def read_raw(path: Path, kind: str | None = None) -> Message:
    """The message in a file; that of a YAML file with `solver:` and `net:` is a solver.

    Args:
        path: a prototxt, YAML or binary file.
        kind: one of KINDS; None finds out.

    Raises:
        DemitasseError: the file cannot be read, or does not hold such a message.
    """
    file = find_file(str(path))
    data = read_bytes(file)
    form = form_of(file, data)
    if data.startswith(HDF5_MAGIC):
        raise DemitasseError(
            "this is an HDF5 file: it holds arrays by name, and no message",
            str(file),
            expected="a prototxt, YAML or binary file",
            hint=f"`demitasse snapshot {file}` prints what a model or state holds",
        )
    if form == "binary":
        kind = kind or _BY_EXTENSION.get(file.suffix.lower())
        return decode_message(data, KINDS[kind], file) if kind else _best(data, file)
    return _of_text(decode_text(data, str(file)), str(file), form, kind)


def write_raw(message: Message, form: Form, drop_unknown: bool = False) -> bytes:
    """A message in one of the three forms.

    Args:
        message: any message of the schema.
        form: "prototxt", "yaml" or "binary".
        drop_unknown: leave out what text has no name for, rather than refuse.

    Raises:
        DemitasseError: the message holds fields that a text could not.
    """
    if form == "binary":
        return message.SerializeToString(deterministic=True)
    lost = 0 if drop_unknown else _unknown(message)
    if lost:
        raise DemitasseError(
            f"the file holds {lost} field{'' if lost == 1 else 's'} that the schema does not know",
            expected="a binary file to write to: text has no names for them",
            hint="--drop-unknown leaves them out",
        )
    return (to_prototxt(message) if form == "prototxt" else sections(message)).encode()


def sections(
    message: Any,
    of_solver: Callable[[str], str] | None = None,
    of_net: Callable[[str], str] | None = None,
) -> str:
    """A message in YAML; a solver that holds a net in the sections `solver:` and `net:`.

    Args:
        message: any message of the schema.
        of_solver, of_net: comments by path, as for ``to_yaml``.
    """
    if not isinstance(message, SolverParameter) or not message.HasField("net_param"):
        return to_yaml(message, of_net if isinstance(message, NetParameter) else of_solver)
    solver = SolverParameter()
    solver.CopyFrom(message)
    solver.ClearField("net_param")
    net = to_yaml(message.net_param, of_net, indent="  ")
    return f"solver:\n{to_yaml(solver, of_solver, indent='  ')}\nnet:\n{net}"


def is_solver(path: Path) -> bool:
    """Whether a config is a solver, with a net in it or without."""
    data = read_bytes(path)
    form = form_of(path, data)
    if form == "binary":
        return False
    ignored: list[DemitasseError] = []
    with identified("DM002"):
        tree = text_tree(decode_text(data, str(path)), str(path), form, ignored)
    return kind_of(expand(tree, str(path), ignored) if form == "yaml" else tree) == "solver"


def kind_of(tree: Mapping) -> str:
    """Which of KINDS a tree is: the one that knows most of its keys."""
    keys = set(tree.keys())
    if isinstance(tree.get("solver"), Mapping):
        return "solver"
    if isinstance(tree.get("net"), Mapping):
        return "solver" if keys - {"net"} else "net"
    known = {
        kind: len(keys & {field.name for field in message.DESCRIPTOR.fields})
        for kind, message in KINDS.items()
    }
    return max(known, key=lambda kind: known[kind])


def _of_text(text: str, name: str, form: Form, kind: str | None) -> Message:
    problems: list[DemitasseError] = []
    tree = text_tree(text, name, form, problems)
    if form == "yaml":
        tree = expand(tree, name, problems)
    kind = kind or kind_of(tree)
    message = KINDS[kind]()
    if form == "yaml" and kind == "solver":
        tree = add_implied_to_solver(_joined(tree))
    elif form == "yaml" and kind == "net":
        section = tree.get("net")
        tree = add_implied(section if isinstance(section, Mapping) else tree)
    bind(tree, message, problems)
    if problems:
        raise ConfigError(problems)
    return message


def _joined(tree: Mapping) -> Mapping:
    """The solver's fields, with the section `net:` as the net inside the solver."""
    solver = tree.get("solver")
    entries: list[Entry] = []
    for entry in tree.entries:
        if entry.key == "net" and isinstance(entry.value, Mapping):
            entries.append(entry._replace(key="net_param"))
        elif entry.key == "solver" and isinstance(solver, Mapping):
            entries += solver.entries
        else:
            entries.append(entry)
    return Mapping(entries, tree.location)


def _best(data: bytes, path: Path) -> Message:
    """The kind of message that knows most of what a binary file holds."""
    found: list[tuple[int, Message]] = []
    first: DemitasseError | None = None
    for kind in ("blob", "net", "solver", "state", "datum"):
        try:
            message = decode_message(data, KINDS[kind], path)
        except DemitasseError as error:
            first = first or error
            continue
        found.append((_unknown(message), message))
    if not found and first is not None:
        raise first
    return min(found, key=lambda pair: pair[0])[1]


def _unknown(message: Any) -> int:
    """How many fields of a message, and of those in it, the schema does not know."""
    count = len(UnknownFieldSet(message))
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in value if isinstance(value, list) or hasattr(value, "add") else [value]:
                count += _unknown(part)
    return count
