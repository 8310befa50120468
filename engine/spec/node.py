"""The tree both text readers produce: what was written, and where."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, NamedTuple, TypeAlias

MAX_DEPTH = 100  # protobuf's own limit for nested messages


class Location(NamedTuple):
    """A place in a file, counted from 1; line 0 stands for the whole of it.

    ``via`` says how what is written there came into the config: the variable it stands for, the
    uses of the blocks around it, innermost first.
    """

    file: str
    line: int = 0
    column: int = 0
    via: tuple[str, ...] = ()

    @property
    def spot(self) -> str:
        """The place alone."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.spot} ({', '.join(self.via)})" if self.via else self.spot


class Kind(Enum):
    """How a scalar was written. What it may stand for is decided when it meets a field."""

    QUOTED = auto()  # a string in prototxt, or YAML !!binary: the value is bytes
    TEXT = auto()  # a string in YAML, with quotes or without
    WORD = auto()  # an identifier in prototxt: true, inf, MAX
    INT = auto()
    RADIX = auto()  # an integer in hexadecimal or octal, in prototxt, where no float may be so
    FLOAT = auto()
    BOOL = auto()  # YAML only
    NULL = auto()  # YAML only

    def __str__(self) -> str:
        return _KIND_NAMES[self]


_KIND_NAMES = {
    Kind.QUOTED: "a string",
    Kind.TEXT: "a string",
    Kind.WORD: "a word without quotes",
    Kind.INT: "an integer",
    Kind.RADIX: "an integer, in hexadecimal or octal",
    Kind.FLOAT: "a number",
    Kind.BOOL: "a boolean",
    Kind.NULL: "nothing",
}


@dataclass(slots=True)
class Scalar:
    """One value.

    Args:
        kind: how it was written.
        value: bytes for QUOTED, str for TEXT and WORD, int, float, bool or None.
        text: the value as it was written, for messages.
        location: where it begins.
    """

    kind: Kind
    value: bytes | str | int | float | bool | None
    text: str
    location: Location

    def describe(self) -> str:
        """The value for a "got:" line, cut where it is long."""
        shown = self.text if len(self.text) <= 60 else self.text[:57] + "..."
        if self.kind is Kind.NULL:
            return "nothing"
        if self.kind is Kind.TEXT and shown[:1] not in ("'", '"'):
            shown = f'"{shown}"'
        return f"{shown} ({self.kind})"


@dataclass(slots=True)
class Sequence:
    """A list of values."""

    items: list[Node]
    location: Location

    def describe(self) -> str:
        """The value for a "got:" line."""
        return f"a list of {len(self.items)}"


class Entry(NamedTuple):
    """One field of a mapping."""

    key: str
    location: Location
    value: Node


@dataclass(slots=True)
class Mapping:
    """Fields in the order they were written; prototxt may repeat a key, YAML may not.

    It is ``flawed`` when something in it could not be expanded, and so is missing; ``refused``
    are the keys of such values, where they count.
    """

    entries: list[Entry] = field(default_factory=list)
    location: Location = Location("")
    flawed: bool = False
    refused: list[str] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """The first value under a key."""
        return next((entry.value for entry in self.entries if entry.key == key), None)

    def get_all(self, key: str) -> Iterator[Node]:
        """Every value under a key, lists opened."""
        for entry in self.entries:
            if entry.key == key:
                yield from entry.value.items if isinstance(entry.value, Sequence) else [entry.value]

    def keys(self) -> list[str]:
        """The distinct keys, in order."""
        return list(dict.fromkeys(entry.key for entry in self.entries))

    def describe(self) -> str:
        """The value for a "got:" line."""
        return "a group of fields"


Node: TypeAlias = "Scalar | Sequence | Mapping"


def text_of(node: Node | None) -> str | None:
    """A string scalar's text, or None for anything else."""
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value
    if isinstance(node, Scalar) and isinstance(node.value, bytes):
        return node.value.decode("utf-8", "replace")
    return None


def as_plain(node: Node) -> Any:
    """A tree as lists, dictionaries and values, as JSON has them; bytes as base64."""
    if isinstance(node, Scalar):
        value = node.value
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value
    if isinstance(node, Sequence):
        return [as_plain(item) for item in node.items]
    return {entry.key: as_plain(entry.value) for entry in node.entries}
