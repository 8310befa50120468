"""Refuses binary messages that would take many times their size in memory.

An empty message is two bytes in a file and up to a kilobyte in memory; numbers lie there as they
do in the file. So a look at how many messages there are, before they are made, is enough.
"""

from __future__ import annotations

from typing import Any

_SMALL = 1 << 16  # bytes that cannot grow to anything that matters
_ROOM = 1 << 26  # bytes of messages; the nets we know take a few million
_FIELD, _POINTER = 256, 8
_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5


def is_too_heavy(data: bytes, descriptor: Any) -> bool:
    """Whether a message has more parts than any config or model has.

    What is not a message at all is left to the parser, which will say so.
    """
    if len(data) <= _SMALL:
        return False
    known: dict[Any, tuple[int, dict[int, Any]]] = {}
    weight = 0
    waiting = [(0, len(data), descriptor)]
    try:
        while waiting:
            at, end, kind = waiting.pop()
            if kind.full_name not in known:
                known[kind.full_name] = _parts(kind)
            size, inner = known[kind.full_name]
            weight += size
            while at < end:
                key, at = _varint(data, at)
                wire = key & 7
                weight += _FIELD
                if weight > _ROOM:
                    return True
                if wire == _DELIMITED:
                    length, at = _varint(data, at)
                    message = inner.get(key >> 3)
                    if message is not None and at + length <= end:
                        waiting.append((at, at + length, message))
                    at += length
                elif wire == _VARINT:
                    _, at = _varint(data, at)
                else:
                    at += {_FIXED64: 8, _FIXED32: 4}.get(wire, 0)
    except IndexError:
        return False
    return False


def _parts(kind: Any) -> tuple[int, dict[int, Any]]:
    """What a message of a kind takes while it is empty, and the kinds of its message fields."""
    inner = {f.number: f.message_type for f in kind.fields if f.message_type is not None}
    return _POINTER * len(kind.fields), inner


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while byte > 0x7F and shift < 70:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
    return value, at + 1
