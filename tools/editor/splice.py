"""One value of a YAML text changed in place: comments, order and spacing of all else stay.

PyYAML says where each value begins and ends, so only those characters are exchanged. A library
that writes the whole file anew (ruamel.yaml) keeps comments, but fills lines and lays flow
mappings out in its own way.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from engine.errors import DemitasseError, did_you_mean


def splice(text: str, path: Sequence[str], value: str, instead_of: str = "") -> str:
    """The text with a value set; a key that is missing is put at the end of its group.

    Args:
        text: a YAML file.
        path: keys from the root; items of a list by ``name``, or by position.
        value: as it is to be written.
        instead_of: a key beside a missing last one, whose place the new key and value take.

    Raises:
        DemitasseError: the path leads nowhere in this text, or the value takes several lines.
    """
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    rest = list(path)
    while rest:
        if isinstance(node, yaml.SequenceNode):
            node, rest = _item(node, rest)
            continue
        if not isinstance(node, yaml.MappingNode):
            raise DemitasseError("a single value stands where the path goes on", got=".".join(path))
        found = next((held for key, held in node.value if key.value == rest[0]), None)
        if found is None and rest[0] == "0" and len(rest) > 1:
            rest = rest[1:]  # a list of one, written without the list
            continue
        if found is None and len(rest) == 1:
            given = next((pair for pair in node.value if pair[0].value == instead_of), None)
            if given is not None:
                return _replaced(text, given[1], f"{_key(rest[0])}: {value}", given[0])
        if found is None:
            return _inserted(text, node, rest, value)
        node, rest = found, rest[1:]
    return _replaced(text, node, value)


def _item(node: Any, path: list[str]) -> tuple[Any, list[str]]:
    """The item of a list that a path goes on with: names may hold dots, the longest counts."""
    named = {_name(item): item for item in node.value}
    for length in range(len(path), 0, -1):
        name = ".".join(path[:length])
        if name and name in named:
            return named[name], path[length:]
    if path[0].isdecimal() and int(path[0]) < len(node.value):
        return node.value[int(path[0])], path[1:]
    raise DemitasseError(
        f'nothing in this file is called "{path[0]}" there',
        hint=did_you_mean(path[0], filter(None, named)),
    )


def _name(item: Any) -> str:
    held = item.value if isinstance(item, yaml.MappingNode) else ()
    return next((str(value.value) for key, value in held if key.value == "name"), "")


def _replaced(text: str, node: Any, value: str, key: Any = None) -> str:
    """The text with another value in a node's place, or in that of a key with its value."""
    begin, end = (key or node).start_mark.index, node.end_mark.index
    in_block = getattr(node, "flow_style", True) is False or getattr(node, "style", "") in (
        "|",
        ">",
    )
    if in_block:
        raise DemitasseError("the value takes several lines", hint="edit these by hand")
    space = " " if begin == end and text[begin - 1 : begin] == ":" else ""  # "key:" with nothing
    grown = len(space + value) - (end - begin)
    return text[:begin] + space + value + _aligned(text[end:], grown)


def _aligned(rest: str, grown: int) -> str:
    """What follows a value; the comment on its line keeps its column where there is room."""
    line = rest.partition("\n")[0]
    gap = len(line) - len(line.lstrip(" "))
    if gap < 2 or line[gap : gap + 1] != "#":
        return rest
    return " " * max(2, gap - grown) + rest[gap:]


def _inserted(text: str, node: Any, path: list[str], value: str) -> str:
    """A new key at the end of a mapping, with the groups that lead on from it."""
    for key in reversed(path[1:]):
        value = f"{{{_key(key)}: {value}}}"
    entry = f"{_key(path[0])}: {value}"
    if node.flow_style:
        end = node.end_mark.index - 1  # at the closing brace
        before = text[:end].rstrip()
        comma = ", " if node.value else ""
        return before + comma + entry + text[end:]
    end = _end(node)
    line_end = text.find("\n", end)
    line_end = len(text) if line_end < 0 else line_end
    newline = "\r\n" if text[line_end - 1 : line_end] == "\r" else "\n"
    if newline == "\r\n":
        line_end -= 1
    indent = " " * node.value[0][0].start_mark.column
    return text[:line_end] + newline + indent + entry + text[line_end:]


def _end(node: Any) -> int:
    """Where the last value in a node ends: block collections end where the next thing begins."""
    while getattr(node, "flow_style", True) is False and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    if getattr(node, "style", "") in ("|", ">"):
        return int(node.end_mark.index) - 1
    return int(node.end_mark.index)


def _key(key: str) -> str:
    return key if key.replace("_", "").isalnum() else json.dumps(key)
