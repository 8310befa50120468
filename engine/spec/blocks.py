"""Definitions of blocks: named lists of layers with parameters."""

from __future__ import annotations

from collections.abc import Mapping as Named
from dataclasses import dataclass

from engine.errors import DemitasseError, did_you_mean
from engine.spec.expression import NAME
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence, text_of

# What the use of a block says beside its arguments.
USE_KEYS = ("block", "name", "bottom", "top", "repeat")
LOOP_NAMES = ("i", "item")
_TAKEN = (*USE_KEYS, *LOOP_NAMES, "include", "exclude", "env")


@dataclass(frozen=True, eq=False)
class Block:
    """A block as defined.

    Args:
        name: what uses call it.
        params: its parameters in order, each with its default; None where it has none.
        places: where each parameter is defined.
        body: its layers, and uses of other blocks, as written.
        location: where it is defined.
    """

    name: str
    params: Named[str, Node | None]
    places: Named[str, Location]
    body: tuple[Node, ...]
    location: Location

    def signature(self) -> str:
        """Its parameters, for messages: ``width, stride (optional)``."""
        shown = (
            name if default is None else f"{name} (optional)"
            for name, default in self.params.items()
        )
        return ", ".join(shown)


def read_blocks(
    definitions: Named[str, Entry], problems: list[DemitasseError]
) -> dict[str, Block | None]:
    """The blocks of a config by name; None for one whose definition is wrong."""
    return {name: _Reader(problems).block(entry) for name, entry in definitions.items()}


class _Reader:
    def __init__(self, problems: list[DemitasseError]):
        self.problems = problems
        self.params: dict[str, Node | None] = {}
        self.places: dict[str, Location] = {}

    def block(self, entry: Entry) -> Block | None:
        before = len(self.problems)
        tree, title = entry.value, f'block "{entry.key}"'
        if not isinstance(tree, Mapping):
            self.problem(f"{title} must hold `params:` and `layer:`", tree)
            return None
        for each in tree.entries:
            if each.key == "params":
                self.read_params(each.value, title)
            elif each.key != "layer":
                self.problems.append(
                    DemitasseError(
                        f'unknown field "{each.key}" in {title}',
                        str(each.location),
                        expected='"params" and "layer"',
                        hint=did_you_mean(each.key, ("params", "layer"))
                        or "parameters and their defaults go under `params:`",
                    )
                )
        body = list(tree.get_all("layer"))
        if not body or (isinstance(body[0], Scalar) and body[0].kind is Kind.NULL):
            what = f"{title} has no layers"
            expected = "a `layer:` list"
            self.problems.append(DemitasseError(what, str(entry.location), expected=expected))
        if len(self.problems) > before:
            return None
        return Block(entry.key, self.params, self.places, tuple(body), entry.location)

    def read_params(self, node: Node, title: str) -> None:
        """``[width, stride]``, or ``{width: , stride: 1}`` where some have defaults."""
        if isinstance(node, Scalar) and node.kind is Kind.NULL:
            return
        if isinstance(node, Mapping):
            for entry in node.entries:
                empty = isinstance(entry.value, Scalar) and entry.value.kind is Kind.NULL
                self.add(entry.key, entry.location, None if empty else entry.value, title)
            return
        if isinstance(node, Sequence) and all(text_of(item) is not None for item in node.items):
            for item in node.items:
                self.add(text_of(item) or "", item.location, None, title)
            return
        self.problem(f"wrong params of {title}", node, "names, or names and their defaults")

    def add(self, name: str, location: Location, default: Node | None, title: str) -> None:
        what = ""
        if name in _TAKEN:
            what = f'"{name}" cannot be a parameter of {title}: it has a meaning of its own'
        elif not NAME.fullmatch(name):
            what = f'"{name}" cannot be a parameter of {title}: a name is letters, digits and _'
        elif name in self.params:
            what = f'parameter "{name}" of {title} is given twice'
        if what:
            self.problems.append(DemitasseError(what, str(location)))
        self.params[name], self.places[name] = default, location

    def problem(self, what: str, node: Node, expected: str = "") -> None:
        self.problems.append(DemitasseError(what, str(node.location), node.describe(), expected))
