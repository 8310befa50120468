"""What differs between two messages, setting by setting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message

from engine.spec.fields import is_repeated

_WIDTH = 40  # characters of a value that are shown


def differences(was: Message, now: Message, path: str = "") -> Iterator[str]:
    """Lines such as ``base_lr: 0.01 -> 0.02``; a layer is named, not numbered.

    Settings that stand for the same are equal, whether they are written out or implied.
    """
    for field in was.DESCRIPTOR.fields:
        name = f"{path}{field.name}"
        before, after = getattr(was, field.name), getattr(now, field.name)
        if is_repeated(field) and field.message_type is not None:
            yield from _in_list(before, after, name)
        elif is_repeated(field):
            if list(before) != list(after):
                yield f"{name}: {_shown(list(before))} -> {_shown(list(after))}"
        elif field.message_type is not None:
            if before != after:
                yield from differences(before, after, f"{name}.")
        elif before != after:
            yield f"{name}: {_value(field, before)} -> {_value(field, after)}"


def _in_list(before: Any, after: Any, name: str) -> Iterator[str]:
    """Elements that have names are compared by name, others by position."""
    old, new = _by_name(before), _by_name(after)
    for key in dict.fromkeys([*old, *new]) if old != new else ():
        where = f"{name}.{key}"
        if key not in new:
            yield f"{where}: removed"
        elif key not in old:
            yield f"{where}: added"
        elif old[key] != new[key]:
            yield from differences(old[key], new[key], f"{where}.")


def _by_name(items: Any) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for index, item in enumerate(items):
        key = getattr(item, "name", "") or str(index)
        # Nets often have two layers of one name, one for each phase.
        named[key if key not in named else f"{key}#{index}"] = item
    return named


def _value(field: Any, value: Any) -> str:
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    return f"{value:g}" if isinstance(value, float) else _shown(value)


def _shown(value: Any) -> str:
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
