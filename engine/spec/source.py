"""A config's text -> its tree, and what kind of config it is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from engine.errors import ConfigError, DemitasseError
from engine.spec.binary import HDF5_MAGIC, is_text
from engine.spec.files import decode_text
from engine.spec.node import Kind, Mapping, Node, Sequence, text_of
from engine.spec.prototxt import parse_prototxt
from engine.spec.yaml_form import parse_yaml

Form = Literal["prototxt", "yaml", "binary"]

EXTENSIONS: dict[str, Form] = {
    ".prototxt": "prototxt",
    ".pbtxt": "prototxt",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "yaml",
    ".caffemodel": "binary",
    ".binaryproto": "binary",
    ".solverstate": "binary",
}
_OPENS_MESSAGE = re.compile(r"^[ \t]*\w+[ \t]*(?:[{<]|:[ \t]*[{<][ \t]*$)", re.MULTILINE)
_WORDS = re.compile(r"true|false|t|f|-?(?:inf|infinity|nan)f?", re.IGNORECASE)
_NET_KEYS = {"layer", "layers", "input", "input_dim", "input_shape", "force_backward", "state"}


def form_of(path: Path, data: bytes) -> Form:
    """How a file is written: by its extension, else by its content."""
    known = EXTENSIONS.get(path.suffix.lower())
    if known:
        return known
    binary = data.startswith(HDF5_MAGIC) or b"\0" in data or (bool(data) and not is_text(data))
    return "binary" if binary else form_of_text(decode_text(data, str(path)))


def form_of_text(text: str) -> Form:
    """Which of the two text forms a text is; where both would do, prototxt."""
    try:
        return "yaml" if _reads_like_yaml(parse_prototxt(text)) else "prototxt"
    except ConfigError:
        pass
    try:
        parse_yaml(text, problems=[])
        return "yaml"
    except ConfigError:  # neither: the one whose error will help
        return "prototxt" if _OPENS_MESSAGE.search(text) else "yaml"


def _reads_like_yaml(tree: Mapping) -> bool:
    """Sections, or strings without quotes: text format has neither."""
    if any(isinstance(tree.get(section), Mapping) for section in ("solver", "net")):
        return True
    if any(tree.get(section) is not None for section in ("vars", "blocks", "include")):
        return True
    nodes: list[Node] = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, Mapping):
            nodes += [entry.value for entry in node.entries]
        elif isinstance(node, Sequence):
            nodes += node.items
        elif node.kind is Kind.WORD and not node.text.isupper() and not _WORDS.fullmatch(node.text):
            return True
    return False


def text_tree(text: str, name: str, form: Form, problems: list[DemitasseError]) -> Mapping:
    """The tree of a text.

    Args:
        text: the whole file.
        name: what to call it in messages.
        form: "prototxt" or "yaml".
        problems: gets what does not stop the reading.

    Raises:
        ConfigError: the text cannot be read.
    """
    return parse_yaml(text, name, problems) if form == "yaml" else parse_prototxt(text, name)


def refuse_solver(tree: Mapping, name: str) -> None:
    """Raises a DemitasseError when a tree that should be a net is a solver."""
    from engine.schema import NetParameter, SolverParameter

    keys = set(tree.keys())
    of_net = {field.name for field in NetParameter.DESCRIPTOR.fields}
    of_solver = {field.name for field in SolverParameter.DESCRIPTOR.fields} | {"solver"}
    if keys & _NET_KEYS or not keys & (of_solver - of_net):
        return
    section = tree.get("solver")
    held = [tree, section] if isinstance(section, Mapping) else [tree]
    nets = [text_of(part.get(key)) for part in held for key in ("net", "train_net", "test_net")]
    named = next((net for net in nets if net), None)
    raise DemitasseError(
        "this is a solver, where a net is expected",
        name,
        hint=f'give the net that it names, "{named}"' if named else "give a file that holds layers",
        id="DM004",
    )


def refuse_net(tree: Mapping, name: str) -> None:
    """Raises a DemitasseError when a tree that should be a solver is a net."""
    from engine.schema import NetParameter, SolverParameter

    keys = set(tree.keys())
    of_solver = {field.name for field in SolverParameter.DESCRIPTOR.fields}
    of_net = {field.name for field in NetParameter.DESCRIPTOR.fields}
    if not keys & _NET_KEYS and not (keys and keys <= of_net - of_solver):
        return
    if len(keys & (of_solver - of_net)) > len(keys & _NET_KEYS):
        return  # a solver with a stray field: the field is the problem
    raise DemitasseError(
        "this is a net, where a solver is expected",
        name,
        hint="give a solver file, whose `net:` names this one, or add a `solver:` section (YAML)",
        id="DM004",
    )
