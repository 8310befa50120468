"""Messages -> prototxt and YAML; what is written reads back as the same message."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from engine.spec.escapes import escape_bytes, escape_text
from engine.spec.expression import escape
from engine.spec.fields import Field, fields_of
from engine.spec.implied import implies
from engine.spec.node import Kind, Location
from engine.spec.yaml_form import plain_scalar

Note: TypeAlias = Callable[[str], str]

_WIDTH = 96
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")


def to_prototxt(message: Any, note: Note | None = None) -> str:
    """A message in protobuf text format. Only what is set is written.

    Args:
        message: any message of the schema.
        note: gives a comment for the value at a path, such as ``layer.0.type``; "" for none.
    """
    return "".join(f"{line}\n" for line in _prototxt_lines(message, "", _Notes(note)))


def to_yaml(message: Any, note: Note | None = None, indent: str = "") -> str:
    """A message in YAML, its fields at the top level. Only what is set is written.

    Args:
        message: any message of the schema.
        note: gives a comment for the value at a path, such as ``layer.0.type``; "" for none.
        indent: what every line begins with.
    """
    lines = list(_yaml_lines(message, indent, _Notes(note)))
    return "".join(f"{line}\n" for line in lines) or f"{indent}{{}}\n"


class _Notes:
    """The comments of a message's fields, and its path in the whole."""

    def __init__(self, note: Note | None, path: str = ""):
        self.note, self.path = note, path

    def inside(self, name: str) -> _Notes:
        return _Notes(self.note, f"{self.path}{name}.")

    def on(self, line: str, name: str) -> str:
        comment = self.note(self.path + name) if self.note else ""
        return f"{line}  # {' '.join(comment.split())}" if comment else line


def shortest(value: float, single: bool) -> str:
    """The shortest digits that read back as the same float of 32 (or 64) bits."""
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    for digits in (6, 7, 8, 9) if single else (15, 16, 17):
        text = f"{value:.{digits}g}"
        if float(text) == value or (single and _as_single(float(text)) == value):
            return text
    return repr(value)


def _as_single(value: float) -> float:
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:  # rounded up beyond the greatest float
        return math.inf


def _values(message: Any) -> Iterator[tuple[Field, Any]]:
    known = fields_of(message.DESCRIPTOR)
    for descriptor, value in message.ListFields():
        yield known[descriptor.name], value


def _prototxt_lines(message: Any, indent: str, notes: _Notes) -> Iterator[str]:
    for field, value in _values(message):
        for index, item in enumerate(value if field.repeated else [value]):
            if field.message is None:
                line = f"{indent}{field.name}: {_prototxt_scalar(field, item)}"
                yield notes.on(line, field.name)
            else:
                at = f"{field.name}.{index}" if field.repeated else field.name
                yield f"{indent}{field.name} {{"
                yield from _prototxt_lines(item, indent + "  ", notes.inside(at))
                yield f"{indent}}}"


def _prototxt_scalar(field: Field, value: Any) -> str:
    if field.type == "string":
        return f'"{escape_text(value, octal=True)}"'
    if field.type == "bytes":
        return f'"{escape_bytes(value)}"'
    return _plain(field, value)


def _plain(field: Field, value: Any) -> str:
    if field.type == "bool":
        return "true" if value else "false"
    if field.type == "float":
        return shortest(value, field.single)
    if field.type == "enum":
        return next(name for name, number in (field.enum or {}).items() if number == value)
    return str(value)


def _yaml_lines(message: Any, indent: str, notes: _Notes) -> Iterator[str]:
    deeper = indent + "  "
    for field, value in _values(message):
        head = f"{indent}{field.name}:"
        if field.message is None:
            *lines, last = _yaml_scalars(field, value, head, indent)
            yield from [*lines, notes.on(last, field.name)]
        elif field.repeated:
            yield head
            for index, item in enumerate(value):
                inside = notes.inside(f"{field.name}.{index}")
                lines = list(_yaml_lines(item, deeper, inside)) or [f"{deeper}{{}}"]
                yield f"{indent}- {lines[0].lstrip()}"
                yield from lines[1:]
        else:
            lines = list(_yaml_lines(value, deeper, notes.inside(field.name)))
            yield head if lines else notes.on(f"{head} {{}}", field.name)
            yield from lines
    if message.DESCRIPTOR.name == "LayerParameter":
        yield from _left_out(message, indent)


def _left_out(layer: Any, indent: str) -> Iterator[str]:
    """Says "none" of what the reader would otherwise take as implied."""
    takes_bottom, makes_top = implies(layer.type)
    if takes_bottom and not layer.bottom:
        yield f"{indent}bottom: []"
    if makes_top and not layer.top:
        yield f"{indent}top: []"


def _yaml_scalars(field: Field, value: Any, head: str, indent: str) -> Iterator[str]:
    if not field.repeated:
        yield f"{head} {_yaml_scalar(field, value)}"
        return
    items = [_yaml_scalar(field, item) for item in value]
    if len(items) == 1:
        yield f"{head} {items[0]}"
        return
    line = f"{head} ["
    for item in items[:-1]:
        if len(line) + len(item) > _WIDTH:
            yield line.rstrip()
            line = f"{indent}  "
        line += f"{item}, "
    yield f"{line}{items[-1]}]"


def _yaml_scalar(field: Field, value: Any) -> str:
    if field.type == "bytes":
        return f'!!binary "{base64.b64encode(value).decode()}"'
    if field.type in ("string", "enum"):
        text = escape(value) if field.type == "string" else _plain(field, value)
        plain = _PLAIN.fullmatch(text) and plain_scalar(text, Location("")).kind is Kind.TEXT
        return text if plain else f'"{escape_text(text, octal=False)}"'
    text = _plain(field, value)
    return text.replace("inf", ".inf").replace("nan", ".nan") if field.type == "float" else text
