"""Completion of ``--set``: one step of the path at a time, then the values that a field takes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from engine.errors import DemitasseError
from engine.schema import LayerParameter, NetParameter, SolverParameter
from engine.spec.fields import Field, fields_of
from engine.spec.files import decode_text, find_file, read_bytes
from engine.spec.include import read_document
from engine.spec.overrides import ROOTS
from engine.spec.source import form_of, text_tree
from layers import find_layer
from tools.completion.names import named_config
from tools.editor.words import choices
from tools.layer_pages.page import LayerPage

_OF_ALL = ("transform_param", "loss_param")  # options that several types read


def complete_override(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """What the path before the cursor may go on with.

    Args:
        prefix: the word before the cursor, such as ``net.layer.conv1.conv``.
        parsed_args: the rest of the line; its config tells the names of layers and variables.
    """
    root, dot, rest = prefix.partition(".")
    if not dot:
        return [f"{name}." for name in ROOTS]
    if root == "vars":
        return [f"vars.{name}=" for name in _variables(parsed_args)]
    solver, net = named_config(parsed_args)
    if root == "net":
        return list(_below(net.param if net else NetParameter(), rest, "net."))
    if root == "solver":
        return list(_below(solver.param if solver else SolverParameter(), rest, "solver."))
    return []


def _below(message: Any, text: str, above: str) -> Iterator[str]:
    """The ways on from a message, ``text`` being what follows ``above``."""
    known = fields_of(message.DESCRIPTOR)
    name, dot, rest = text.partition(".")
    if not dot and "=" in text:
        name = text.partition("=")[0]
        yield from (f"{above}{name}={value}" for value in _values(message, known.get(name)))
    elif not dot:
        for field in known.values():
            if _is_of_use(message, field):
                yield f"{above}{field.name}{'.' if field.message else '='}"
    elif name in known and known[name].message:
        value = getattr(message, name)
        if known[name].repeated:
            yield from _among(value, rest, f"{above}{name}.")
        else:
            yield from _below(value, rest, f"{above}{name}.")


def _among(elements: Any, text: str, above: str) -> Iterator[str]:
    """The ways on from a list of messages: by name, or by position where they have none."""
    names = {getattr(each, "name", "") or str(at): each for at, each in enumerate(elements)}
    # Names hold dots too: the longest that fits is meant.
    fitting = [name for name in names if text.startswith(f"{name}.")]
    if fitting:
        name = max(fitting, key=len)
        yield from _below(names[name], text[len(name) + 1 :], f"{above}{name}.")
    else:
        yield from (f"{above}{name}." for name in names)


def _is_of_use(message: Any, field: Field) -> bool:
    """Whether to offer a field: of a layer's options only those that its type reads."""
    if not isinstance(message, LayerParameter) or not field.message:
        return field.message is None or not field.message.startswith(("V0", "V1"))
    cls = find_layer(message.type)
    read = LayerPage(cls).parameters if cls else ()
    return field.name in read or field.name in _OF_ALL or not field.name.endswith("_param")


def _values(message: Any, field: Field | None) -> list[str]:
    if field is None:
        return []
    if field.type == "bool":
        return ["true", "false"]
    return list(field.enum or choices(f"{message.DESCRIPTOR.name}.{field.name}"))


def _variables(parsed: argparse.Namespace) -> list[str]:
    """The variables of the config on the line, those of included files too."""
    config = getattr(parsed, "config", None)
    problems: list[DemitasseError] = []
    try:
        path = find_file(config or "")
        data = read_bytes(path)
        form = form_of(path, data)
        if form != "yaml":
            return []
        tree = text_tree(decode_text(data, str(path)), str(path), form, problems)
        return list(read_document(tree, str(path), problems).vars)
    except DemitasseError:
        return []
