"""YAML -> tree with locations, read by YAML 1.2's rules.

PyYAML follows YAML 1.1, in which 1e-3 is a string, 012 is ten, ``on`` is true and the last of two
equal keys wins without a word. Its event stream is used here (no recursion, no object is ever
constructed), and the scalars are read by the core schema of YAML 1.2.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.errors import ConfigError, DemitasseError
from engine.spec.node import MAX_DEPTH, Entry, Kind, Location, Mapping, Node, Scalar, Sequence
from engine.spec.prototxt import to_int
from engine.spec.yaml_syntax import syntax_error

if TYPE_CHECKING:
    import yaml

MAX_NODES = 1_000_000  # after aliases are expanded: "a billion laughs" stops here

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = {"", "~", "null", "Null", "NULL"}

_TAG = "tag:yaml.org,2002:"
_KINDS = {"int": Kind.INT, "float": Kind.FLOAT, "bool": Kind.BOOL, "null": Kind.NULL}


def parse_yaml(
    text: str, name: str = "<text>", problems: list[DemitasseError] | None = None
) -> Mapping:
    """Reads one YAML document that holds a mapping.

    Args:
        text: the whole file.
        name: what to call it in messages.
        problems: gets what does not stop the reading (repeated keys); raised when not given.

    Raises:
        ConfigError: the text is not YAML, is empty, holds something else than one mapping, or
            grows beyond MAX_NODES or MAX_DEPTH.
    """
    found: list[DemitasseError] = []
    root = _Builder(name, found).build(text)
    if root is None or (isinstance(root, Scalar) and root.kind is Kind.NULL):
        raise ConfigError([DemitasseError("the file is empty", name, id="DM004")])
    if not isinstance(root, Mapping):
        raise ConfigError(
            [
                DemitasseError(
                    "a config is a mapping of names to values",
                    str(root.location),
                    got=root.describe(),
                    expected='lines such as "name: value"',
                )
            ]
        )
    if problems is not None:
        problems += found
    elif found:
        raise ConfigError(found)
    return root


def parse_yaml_value(text: str, location: Location) -> Node:
    """Reads a value given on the command line; every part of it gets the one location."""
    node = _Builder(location.file, [], location).build(text)
    return node if node is not None else Scalar(Kind.NULL, None, "", location)


def plain_scalar(text: str, location: Location) -> Scalar:
    """A scalar written without quotes, by the core schema of YAML 1.2."""
    if text in _NULL:
        return Scalar(Kind.NULL, None, text, location)
    if text in _BOOL:
        return Scalar(Kind.BOOL, _BOOL[text], text, location)
    if text[0] in "+-.0123456789":  # spares most scalars the three matches
        if _INT.fullmatch(text):
            value = to_int(text.lstrip("+-"))
            return Scalar(Kind.INT, -value if text[0] == "-" else value, text, location)
        if _FLOAT.fullmatch(text):
            return Scalar(Kind.FLOAT, float(text), text, location)
        if _NOT_FINITE.fullmatch(text):
            return Scalar(Kind.FLOAT, float(text.lower().replace(".", "")), text, location)
    return Scalar(Kind.TEXT, text, text, location)


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence whose end has not been seen."""

    node: Mapping | Sequence
    anchor: str | None
    nodes_before: int
    height: int = 1
    key: Scalar | None = None
    seen: dict[str, Location] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)


class _Builder:
    """Builds the tree from parsing events, with its own stack."""

    def __init__(self, name: str, problems: list[DemitasseError], fixed: Location | None = None):
        self.name, self.problems, self.fixed = name, problems, fixed
        self.root: Node | None = None
        self.stack: list[_Frame] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}  # with number of nodes, height
        self.nodes = 0
        self.documents = 0

    def build(self, text: str) -> Node | None:
        import yaml

        loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        take = {
            "ScalarEvent": self.scalar,
            "MappingStartEvent": self.start,
            "SequenceStartEvent": self.start,
            "MappingEndEvent": self.end,
            "SequenceEndEvent": self.end,
            "AliasEvent": self.alias,
            "DocumentStartEvent": self.document,
        }
        try:
            for event in yaml.parse(text.removeprefix("\ufeff"), Loader=loader):
                handle = take.get(type(event).__name__)
                if handle:
                    handle(event)
        except yaml.YAMLError as error:
            raise ConfigError([self.syntax_error(error, text)]) from None
        return self.root

    def where(self, mark: Any) -> Location:
        return self.place(mark.line, mark.column)

    def place(self, line: int, column: int) -> Location:
        return self.fixed or Location(self.name, line + 1, column + 1)

    def refuse(self, what: str, where: Location, **details: str) -> ConfigError:
        return ConfigError([*self.problems, DemitasseError(what, str(where), **details)])

    def document(self, event: yaml.Event) -> None:
        self.documents += 1
        if self.documents > 1:
            raise self.refuse(
                "a second document begins",
                self.where(event.start_mark),
                got='"---"',
                expected="one document in a file",
            )

    def scalar(self, event: Any) -> None:
        where = self.where(event.start_mark)
        plain = event.implicit[0] and event.tag is None
        node = plain_scalar(event.value, where) if plain else self.tagged_scalar(event, where)
        self.nodes += 1
        if event.anchor:
            self.anchors[event.anchor] = (node, 1, 0)
        self.add(node, event)

    def tagged_scalar(self, event: Any, where: Location) -> Scalar:
        value, tag = event.value, event.tag
        if tag is None or tag in ("!", _TAG + "str"):
            return Scalar(Kind.TEXT, value, value, where)
        if tag == _TAG + "binary":
            try:
                data = base64.b64decode("".join(value.split()).encode(), validate=True)
            except (binascii.Error, UnicodeEncodeError):
                raise self.refuse("!!binary is not base64", where, got=value[:40]) from None
            return Scalar(Kind.QUOTED, data, "!!binary", where)
        node = plain_scalar(value, where)
        kind = _KINDS.get(tag.removeprefix(_TAG))
        if kind is Kind.FLOAT and isinstance(node.value, int) and node.kind is Kind.INT:
            return Scalar(kind, float(node.value), value, where)
        if kind is not node.kind:
            known = ", ".join(f"!!{known}" for known in ("str", "binary", *_KINDS))
            shown = tag.replace(_TAG, "!!")
            raise self.refuse(
                "tag and value do not agree" if kind else "unknown tag",
                where,
                got=f"{shown} {value}"[:60],
                expected=f"none, or one of {known}",
            )
        return node

    def start(self, event: Any) -> None:
        where = self.where(event.start_mark)
        is_mapping = type(event).__name__ == "MappingStartEvent"
        if event.tag not in (None, "!", _TAG + ("map" if is_mapping else "seq")):
            raise self.refuse("unknown tag", where, got=event.tag.replace(_TAG, "!!"))
        if len(self.stack) >= MAX_DEPTH:
            raise self.too_deep(where)
        node: Mapping | Sequence = Mapping([], where) if is_mapping else Sequence([], where)
        if event.anchor:
            self.anchors[event.anchor] = (node, 0, 0)  # no nodes: not finished
        self.stack.append(_Frame(node, event.anchor, self.nodes))
        self.nodes += 1

    def end(self, event: Any) -> None:
        frame = self.stack.pop()
        if frame.anchor:
            size = self.nodes - frame.nodes_before
            self.anchors[frame.anchor] = (frame.node, size, frame.height)
        if frame.merged and isinstance(frame.node, Mapping):
            self.merge(frame, frame.node)
        self.grow(frame.height)
        self.add(frame.node, event)

    def grow(self, height: int) -> None:
        """The innermost open node holds one of this height."""
        if self.stack:
            self.stack[-1].height = max(self.stack[-1].height, height + 1)

    def alias(self, event: Any) -> None:
        where = self.where(event.start_mark)
        if event.anchor not in self.anchors:
            raise self.refuse(f"*{event.anchor} has no anchor &{event.anchor} before it", where)
        node, size, height = self.anchors[event.anchor]
        if not size:
            raise self.refuse(f"*{event.anchor} stands inside what it refers to", where)
        if len(self.stack) + height > MAX_DEPTH:
            raise self.too_deep(where)
        self.grow(height)
        self.nodes += size
        self.add(node, event)

    def too_deep(self, where: Location) -> ConfigError:
        return self.refuse(f"nested more than {MAX_DEPTH} deep", where)

    def add(self, node: Node, event: Any) -> None:
        """Puts a finished node where it belongs."""
        if self.nodes > MAX_NODES:
            where = self.where(event.start_mark)
            raise self.refuse(f"more than {MAX_NODES:,} values, aliases counted", where)
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        if isinstance(frame.node, Sequence):
            frame.node.items.append(node)
        elif frame.key is None:
            frame.key = self.checked_key(node, self.where(event.start_mark))
        else:
            key, frame.key = frame.key, None
            self.add_entry(frame, frame.node, key, node)

    def checked_key(self, node: Node, where: Location) -> Scalar:
        if isinstance(node, Scalar) and node.kind not in (Kind.NULL, Kind.QUOTED):
            return node
        raise self.refuse("a key must be a name", where, got=node.describe())

    def add_entry(self, frame: _Frame, mapping: Mapping, key: Scalar, node: Node) -> None:
        if key.text == "<<":
            frame.merged += node.items if isinstance(node, Sequence) else [node]
        elif key.text in frame.seen:
            self.problems.append(
                DemitasseError(
                    f'"{key.text}" is given twice',
                    str(key.location),
                    hint=f"it is given first at {frame.seen[key.text]}",
                )
            )
        else:
            frame.seen[key.text] = key.location
            mapping.entries.append(Entry(key.text, key.location, node))

    def merge(self, frame: _Frame, mapping: Mapping) -> None:
        """``<<: *block`` adds the block's entries whose keys are not given here."""
        for block in frame.merged:
            if not isinstance(block, Mapping):
                raise self.refuse("<< takes a mapping", block.location, got=block.describe())
            for entry in block.entries:
                if entry.key not in frame.seen:
                    frame.seen[entry.key] = entry.location
                    mapping.entries.append(entry)

    def syntax_error(self, error: Any, text: str) -> DemitasseError:
        if getattr(error, "problem_mark", None) or getattr(error, "context_mark", None):
            return syntax_error(error, text, self.place)
        position = getattr(error, "position", None)
        if isinstance(position, int):
            before = text.encode("utf-8", "replace")[:position].decode("utf-8", "ignore")
            line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
            reason = getattr(error, "reason", "a character that YAML does not allow")
            return DemitasseError(f"not YAML: {reason}", f"{self.name}:{line}:{column}")
        return DemitasseError(f"not YAML: {error}", self.name)
