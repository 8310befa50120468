"""Messages -> prototxt and YAML; what is written reads back as the same message."""

from __future__ import annotations

import base64
import math
import re
import struct
from collections.abc import Iterator
from typing import Any

from engine.spec.escapes import escape_bytes, escape_text
from engine.spec.fields import Field, fields_of
from engine.spec.implied import implies
from engine.spec.node import Kind, Location
from engine.spec.yaml_form import plain_scalar

_WIDTH = 96
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*")


def to_prototxt(message: Any) -> str:
    """A message in protobuf text format. Only what is set is written.

    Args:
        message: any message of the schema.
    """
    return "".join(f"{line}\n" for line in _prototxt_lines(message, ""))


def to_yaml(message: Any) -> str:
    """A message in YAML, its fields at the top level. Only what is set is written.

    Args:
        message: any message of the schema.
    """
    lines = list(_yaml_lines(message, ""))
    return "".join(f"{line}\n" for line in lines) or "{}\n"


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


def _prototxt_lines(message: Any, indent: str) -> Iterator[str]:
    for field, value in _values(message):
        for item in value if field.repeated else [value]:
            if field.message is None:
                yield f"{indent}{field.name}: {_prototxt_scalar(field, item)}"
            else:
                yield f"{indent}{field.name} {{"
                yield from _prototxt_lines(item, indent + "  ")
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


def _yaml_lines(message: Any, indent: str) -> Iterator[str]:
    for field, value in _values(message):
        head = f"{indent}{field.name}:"
        if field.message is None:
            yield from _yaml_scalars(field, value, head, indent)
        elif field.repeated:
            yield head
            for item in value:
                lines = list(_yaml_lines(item, indent + "  ")) or [f"{indent}  {{}}"]
                yield f"{indent}- {lines[0].lstrip()}"
                yield from lines[1:]
        else:
            lines = list(_yaml_lines(value, indent + "  "))
            yield head if lines else f"{head} {{}}"
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
        text = value if field.type == "string" else _plain(field, value)
        plain = _PLAIN.fullmatch(text) and plain_scalar(text, Location("")).kind is Kind.TEXT
        return text if plain else f'"{escape_text(text, octal=False)}"'
    text = _plain(field, value)
    return text.replace("inf", ".inf").replace("nan", ".nan") if field.type == "float" else text
