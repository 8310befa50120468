"""Tree -> protobuf message, driven by the message's descriptor; every problem is collected."""

from __future__ import annotations

import re
from typing import Any

from engine.errors import DemitasseError
from engine.spec.fields import Field, fields_of, own_param
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence, text_of
from engine.spec.origins import Origins
from engine.spec.values import WrongValue, to_value
from layers.synonyms import known_field

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
        self.origins.refused.update(path + key for key in tree.refused)
        for entry in tree.entries:
            if len(self.problems) >= _ENOUGH:
                return
            field = schema.get(entry.key)
            if field is None:
                self.unknown(entry, message, path)
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
            else:
                self.origins.refused.add(at)
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
            if not isinstance(item, Mapping):
                self.no_group(field, item, fields_of(values.add().DESCRIPTOR), message)
                del values[-1]
                continue
            at = f"{path}{entry.key}.{len(values)}"
            in_list = isinstance(node, Sequence)
            self.origins.add(at, item.location if in_list else entry.location)
            if field.message.endswith("LayerParameter"):
                old = item.get("layer")  # the oldest layers have their name one level deeper
                held = old if isinstance(old, Mapping) else item
                name = text_of(held.get("name")) or ""
                self.origins.add_layer(name, at)
                if item.flawed:
                    self.origins.flawed.add(name)
            self.descend(field, item, values.add(), message, at)

    def descend(self, field: Field, node: Node, part: Any, message: Any, path: str) -> None:
        if not isinstance(node, Mapping):
            self.no_group(field, node, fields_of(part.DESCRIPTOR), message)
            self.origins.refused.add(path)
            return
        self.around.append((field.name, node, field.message or ""))
        self.fill(node, part, path + ".")
        self.around.pop()

    def no_group(self, field: Field, node: Node, inner: dict[str, Field], message: Any) -> None:
        """Notes a value where a group of fields belongs."""
        self.problem(
            f'wrong type for "{field.name}"{self.place(message)}',
            node.location,
            got=node.describe(),
            expected=f"a group of {field.message} fields",
            hint=self.as_type(node, inner),
            id="DM102",
        )

    def as_type(self, node: Node, inner: dict[str, Field]) -> str:
        """How to write a word that is the type of the group, such as a filler's, or a phase."""
        field, phase, text = inner.get("type"), inner.get("phase"), text_of(node)
        if phase is not None and phase.enum and text and text.upper() in phase.enum:
            return f"write {{phase: {text.upper()}}}"
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

    def unknown(self, entry: Entry, message: Any, path: str) -> None:
        descriptor = message.DESCRIPTOR
        known = fields_of(descriptor)
        hint, expected = self.of_type(entry.key, message) or known_field(entry.key, known), ""
        # Whatever it is meant to be is not missing as well.
        self.origins.refused.update(path + name for name in known if f'"{name}"' in hint)
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

    def of_type(self, key: str, message: Any) -> str:
        """A hint for an option of a layer's type that stands beside the type's own group."""
        if message.DESCRIPTOR.name != "LayerParameter" or not self.around:
            return ""
        own = own_param(message.DESCRIPTOR, text_of(self.around[-1][1].get("type")) or "")
        if own and key in fields_of(message.DESCRIPTOR.fields_by_name[own].message_type):
            return f'"{key}" belongs inside {own}'
        return ""

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
