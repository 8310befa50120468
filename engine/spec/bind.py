"""Tree -> protobuf message, driven by the message's descriptor; every problem is collected."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import DemitasseError, did_you_mean
from engine.spec.fields import Field, fields_of
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence, text_of
from engine.spec.origins import Origins
from engine.spec.values import WrongValue, to_value

__all__ = ["Origins", "bind"]

_NAMED = re.compile(r' of (?:layers?) ".*"| in layers? ".*"')
_LISTED = 40  # a message of more fields is not listed whole in an error
_VALUE_IDS = {"unknown value": "DM103", "value out of range": "DM104"}
_ENOUGH = 200  # problems after which a file is of another kind; near names take time to find


def bind(
    tree: Mapping,
    message: Any,
    problems: list[DemitasseError],
    origins: Origins | None = None,
) -> None:
    """Fills a protobuf message from a tree.

    Args:
        tree: what a reader made of a file.
        message: gets the values; those it already holds stay unless the tree gives them.
        problems: gets one error for everything that does not fit the schema.
        origins: gets the location of every field, for errors that show up later.
    """
    _Binder(problems, origins or Origins()).fill(tree, message, "")


class _Binder:
    def __init__(self, problems: list[DemitasseError], origins: Origins):
        self.problems, self.origins = problems, origins
        self.seen: set[tuple[str, str]] = set()
        # The messages around the current one: field name, what was written, message name.
        self.around: list[tuple[str, Mapping, str]] = []

    def fill(self, tree: Mapping, message: Any, path: str) -> None:
        schema = fields_of(message.DESCRIPTOR)
        given: dict[str, Location] = {}
        for entry in tree.entries:
            if len(self.problems) >= _ENOUGH:
                return
            field = schema.get(entry.key)
            if field is None:
                self.unknown(entry, message)
            elif field.repeated:
                self.extend(field, entry, message, path)
            elif entry.key in given:
                self.problem(
                    f'"{entry.key}"{self.place(message)} is given twice',
                    entry.location,
                    hint=f"it is given first at {given[entry.key]}",
                    id="DM106",
                )
            else:
                given[entry.key] = entry.location
                self.set(field, entry, message, path)
        for field in schema.values():
            if field.required and field.name not in given and not message.HasField(field.name):
                what = f'"{field.name}" is missing{self.place(message)}'
                self.problem(what, tree.location, id="DM105")

    def set(self, field: Field, entry: Entry, message: Any, path: str) -> None:
        """Gives a singular field its value."""
        node, at = entry.value, path + entry.key
        self.origins.add(at, entry.location)
        if field.message is None:
            value = self.value(field, node, message)
            if value is not None:
                setattr(message, field.name, value)
            return
        part = getattr(message, field.name)
        part.SetInParent()
        if isinstance(node, Scalar) and node.kind is Kind.NULL:
            return  # "relu_param:" with nothing under it
        self.descend(field, node, part, message, at)

    def extend(self, field: Field, entry: Entry, message: Any, path: str) -> None:
        """Adds one value or a list of them to a repeated field."""
        node, values = entry.value, getattr(message, field.name)
        items = node.items if isinstance(node, Sequence) else [node]
        if field.message is None:
            self.origins.add(path + entry.key, entry.location)
            for item in items:
                if len(self.problems) >= _ENOUGH:
                    return
                value = self.value(field, item, message)
                if value is not None:
                    values.append(value)
            return
        for item in items:
            if len(self.problems) >= _ENOUGH:
                return
            at = f"{path}{entry.key}.{len(values)}"
            in_list = isinstance(node, Sequence)
            self.origins.add(at, item.location if in_list else entry.location)
            if field.message.endswith("LayerParameter") and isinstance(item, Mapping):
                old = item.get("layer")  # the oldest layers have their name one level deeper
                held = old if isinstance(old, Mapping) else item
                name = text_of(held.get("name")) or ""
                self.origins.add_layer(name, at)
                if item.flawed:
                    self.origins.flawed.add(name)
            self.descend(field, item, values.add(), message, at)

    def descend(self, field: Field, node: Node, part: Any, message: Any, path: str) -> None:
        if not isinstance(node, Mapping):
            self.problem(
                f'wrong type for "{field.name}"{self.place(message)}',
                node.location,
                got=node.describe(),
                expected=f"a group of {field.message} fields",
                hint=self.as_type(node, part),
                id="DM102",
            )
            return
        self.around.append((field.name, node, field.message or ""))
        self.fill(node, part, path + ".")
        self.around.pop()

    def as_type(self, node: Node, part: Any) -> str:
        """How to write a word that is the type of the group, such as a filler's."""
        field, text = fields_of(part.DESCRIPTOR).get("type"), text_of(node)
        if field is None or field.type != "string" or not text:
            return ""
        yaml = isinstance(node, Scalar) and node.kind is Kind.TEXT
        return f"write {{type: {text}}}" if yaml else f'write {{ type: "{text}" }}'

    def value(self, field: Field, node: Node, message: Any) -> Any:
        """The value for a scalar field, or None after noting why there is none."""
        try:
            return to_value(field, node)
        except WrongValue as wrong:
            self.problem(
                f'{wrong.what} for "{field.name}"{self.place(message)}',
                node.location,
                got=node.describe(),
                expected=wrong.expected,
                hint=wrong.hint,
                id=_VALUE_IDS.get(wrong.what, "DM102"),
            )
            return None

    def unknown(self, entry: Entry, message: Any) -> None:
        descriptor = message.DESCRIPTOR
        known = fields_of(descriptor)
        hint, expected = did_you_mean(entry.key, known), ""
        if not hint:
            inner = [
                field.name
                for field in descriptor.fields
                if field.message_type and entry.key in fields_of(field.message_type)
            ]
            if inner:
                hint = f'"{entry.key}" is a field of {", ".join(inner[:8])}'
            elif len(known) <= _LISTED:
                expected = f"a field of {descriptor.name}: {', '.join(known)}"
            else:
                expected = f"a field of {descriptor.name}"
        key = entry.key if len(entry.key) <= 80 else entry.key[:77] + "..."
        what = f'unknown field "{key}"{self.place(message)}'
        self.problem(what, entry.location, expected=expected, hint=hint, id="DM101")

    def place(self, message: Any) -> str:
        """Where in the config we are: `` in convolution_param of layer "conv1"``."""
        inside: list[str] = []
        for name, written, message_name in reversed(self.around):
            title = text_of(written.get("name"))
            if message_name.endswith("LayerParameter"):
                layer = f'{name} "{title}"' if title else f"a {name} without a name"
                return f" in {'.'.join(reversed(inside))} of {layer}" if inside else f" in {layer}"
            inside.append(name)
        return f" in {'.'.join(reversed(inside)) or message.DESCRIPTOR.name}"

    def problem(self, what: str, where: Location, **details: str) -> None:
        for _, written, message_name in self.around:
            if message_name.endswith("LayerParameter"):
                self.origins.flawed.add(text_of(written.get("name")) or "")
        if where.via:  # one mistake in a block is one problem, however often the block is used
            key = (where.spot, _NAMED.sub("", what))
            if key in self.seen:
                return
            self.seen.add(key)
        self.problems.append(DemitasseError(what, str(where), **details))
