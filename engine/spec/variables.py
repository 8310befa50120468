"""Variables: scopes of names, and the values of ``${...}`` put into a tree."""

from __future__ import annotations

import os
from collections.abc import Iterable
from collections.abc import Mapping as Named
from dataclasses import dataclass, field
from typing import NamedTuple

from engine.errors import ConfigError, DemitasseError, did_you_mean
from engine.spec.expression import (
    MAX_INTEGER,
    NAME,
    BadExpression,
    Expression,
    Number,
    calculate,
    split,
)
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence
from engine.spec.yaml_form import MAX_NODES, plain_scalar

MAX_CHAIN = 50  # variables that name variables that name variables
MAX_TEXT = 100_000  # characters of one value


class Definition(NamedTuple):
    """A name's value as written, where, and the scope its own ``${...}`` are read in."""

    node: Node
    location: Location
    scope: Scope


class Failed(Exception):
    """A value that cannot be found; why is among the problems already."""


@dataclass(eq=False)
class Scope:
    """Names and their definitions, and the scope around.

    Args:
        title: what the names are, for messages: "a variable", "a parameter of block ...".
        parent: where other names are looked for.
        via: the uses of the blocks around, innermost first.
    """

    title: str
    parent: Scope | None = None
    via: tuple[str, ...] = ()
    names: dict[str, Definition] = field(default_factory=dict)
    values: dict[str, Node | None] = field(default_factory=dict)  # None: it failed

    def define(self, name: str, node: Node, location: Location, scope: Scope | None = None) -> None:
        """Gives a name its value; ``scope`` is the one that the value was written in."""
        self.names[name] = Definition(node, location, scope or self)

    def around(self) -> Iterable[Scope]:
        """This scope and those around it."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class Substituter:
    """Replaces ``${...}`` in trees.

    Args:
        problems: gets what cannot be replaced; each once, however often it is used.
        environment: for ``${env:NAME}``.

    Attributes:
        failures: how often something could not be replaced.
    """

    def __init__(self, problems: list[DemitasseError], environment: Named[str, str] | None = None):
        self.problems = problems
        self.environment = os.environ if environment is None else environment
        self._nodes = 0
        self._sizes: dict[int, int] = {}
        self._kept: list[Node] = []  # those measured: their ids must stay theirs
        self._active: list[tuple[Scope, str]] = []
        self._reported: set[tuple[str, str, str]] = set()
        self.failures = 0

    def report(self, what: str, where: Location, **details: str) -> None:
        """Adds a problem, unless the same one of the same place is there already."""
        self.failures += 1
        key = (what, where.spot, details.get("got", ""))
        if key not in self._reported:
            self._reported.add(key)
            self.problems.append(DemitasseError(what, str(where), **details))

    def node(self, node: Node, scope: Scope) -> Node | None:
        """A node with its ``${...}`` replaced; None where that failed."""
        if isinstance(node, Scalar):
            return self.scalar(node, scope)
        where = node.location._replace(via=scope.via)
        if isinstance(node, Sequence):
            items = [self.node(item, scope) for item in node.items]
            return Sequence([item for item in items if item is not None], where)
        return Mapping([e for e in (self.entry(e, scope) for e in node.entries) if e], where)

    def entry(self, entry: Entry, scope: Scope) -> Entry | None:
        """A field with its value replaced; its place tells of the variable it stands for."""
        value = self.node(entry.value, scope)
        if value is None:
            return None
        return Entry(entry.key, entry.location._replace(via=value.location.via), value)

    def scalar(self, scalar: Scalar, scope: Scope) -> Node | None:
        """A value with its ``${...}`` replaced; one that is nothing else keeps its type."""
        self.count(1, scalar.location)
        where = scalar.location._replace(via=scope.via)
        if scalar.kind is not Kind.TEXT or "${" not in str(scalar.value):
            return Scalar(scalar.kind, scalar.value, scalar.text, where) if scope.via else scalar
        try:
            pieces = split(str(scalar.value))
            if len(pieces) == 1 and isinstance(pieces[0], Expression):
                return self.whole(pieces[0], where, scope)
            text = "".join(
                self.text(piece, where, scope) if isinstance(piece, Expression) else piece
                for piece in pieces
            )
            if len(text) > MAX_TEXT:
                raise BadExpression(f"the value grows beyond {MAX_TEXT:,} characters")
        except BadExpression as bad:
            self.report(bad.what, where, got=bad.got, expected=bad.expected, hint=bad.hint)
            return None
        except Failed:
            return None
        return Scalar(Kind.TEXT, text, text, where)

    def whole(self, expression: Expression, where: Location, scope: Scope) -> Node:
        """The value of an expression that stands alone: a value of any type."""
        if expression.text.startswith("env:"):
            return self.from_environment(expression, where)
        if NAME.fullmatch(expression.text):
            node, defined = self.lookup(expression.text, where, scope)
            self.count(self.size(node), where)
            step = f"${{{expression.text}}} set {'at' if defined.line else 'by'} {defined.spot}"
            here = where._replace(via=(step, *where.via))
            if isinstance(node, Scalar):
                return Scalar(node.kind, node.value, node.text, here)
            held = (
                Mapping(node.entries) if isinstance(node, Mapping) else Sequence(node.items, here)
            )
            held.location = here
            return held
        value = calculate(expression.text, lambda name: self.number(name, where, scope))
        kind = Kind.INT if isinstance(value, int) else Kind.FLOAT
        step = f"${{{expression.text}}}"
        return Scalar(kind, value, str(value), where._replace(via=(step, *where.via)))

    def text(self, expression: Expression, where: Location, scope: Scope) -> str:
        """An expression's value as a piece of a longer text."""
        node = self.whole(expression, where, scope)
        if isinstance(node, Scalar) and node.kind not in (Kind.NULL, Kind.QUOTED):
            return node.text
        raise BadExpression(
            f'"${{{expression.text}}}" cannot be part of a text',
            got=node.describe(),
            expected="a text, a number or a boolean",
        )

    def number(self, name: str, where: Location, scope: Scope) -> Number:
        """The number that a name stands for in a calculation."""
        node, defined = self.lookup(name, where, scope)
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadExpression(
                f'cannot calculate with "{name}"',
                got=node.describe(),
                expected="a number",
                hint=f"it is set at {defined.spot}",
            )
        return value if abs(value) <= MAX_INTEGER else float(value)

    def lookup(self, name: str, where: Location, scope: Scope) -> tuple[Node, Location]:
        """A name's value, and where it was defined."""
        for held in scope.around():
            if name in held.names:
                return self.value(name, held, where), held.names[name].location
        known = {name: held.title for held in scope.around() for name in held.names}
        groups: dict[str, list[str]] = {}
        for each, title in known.items():
            groups.setdefault(title, []).append(each)
        listed = "; or ".join(f"{title}: {', '.join(names)}" for title, names in groups.items())
        hint = did_you_mean(name, known)
        if name == "name" and scope.via:
            hint = "give the use of the block a `name:`"
        if not hint and name in self.environment:
            hint = f"${{env:{name}}} reads the environment"
        raise BadExpression(
            f'unknown variable "{name}"',
            expected=listed if len(known) <= 40 else "",
            hint=hint or ("" if known else "define it under `vars:`"),
        )

    def value(self, name: str, scope: Scope, where: Location) -> Node:
        """The value of a name of this very scope, found once."""
        if name not in scope.values:
            definition = scope.names[name]
            around = [held for other, held in self._active if other is scope]
            if name in around:
                chain = " -> ".join([*around[around.index(name) :], name])
                raise BadExpression(f'"{name}" stands for itself', got=chain)
            if len(self._active) >= MAX_CHAIN:
                raise BadExpression(f"more than {MAX_CHAIN} variables that name each other")
            self._active.append((scope, name))
            try:
                scope.values[name] = self.node(definition.node, definition.scope)
            finally:
                self._active.pop()
        value = scope.values[name]
        if value is None:
            raise Failed
        return value

    def from_environment(self, expression: Expression, where: Location) -> Node:
        """``env:NAME``, or ``env:NAME:default`` for where it is not set."""
        name, colon, default = expression.text.removeprefix("env:").partition(":")
        if not NAME.fullmatch(name):
            raise BadExpression(
                "not the name of an environment variable",
                got=f'"{name}"',
                expected="${env:NAME} or ${env:NAME:default}",
            )
        text = self.environment.get(name)
        if text is None and not colon:
            hint = f"set it, or give a default: ${{env:{name}:default}}"
            raise BadExpression(f'the environment has no "{name}"', hint=hint)
        source = f"${{env:{name}}}" if text is not None else f"${{env:{name}}}, not set"
        here = where._replace(via=(source, *where.via))
        value = default if text is None else text
        return plain_scalar(value, here) if value else Scalar(Kind.TEXT, "", "", here)

    def count(self, nodes: int, where: Location) -> None:
        """Stops what grows without bound."""
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            what = f"variables and blocks make more than {MAX_NODES:,} values"
            raise ConfigError([*self.problems, DemitasseError(what, str(where))])

    def size(self, node: Node) -> int:
        """How many values a node holds."""
        if isinstance(node, Scalar):
            return 1
        if id(node) not in self._sizes:
            inner = node.items if isinstance(node, Sequence) else [e.value for e in node.entries]
            self._sizes[id(node)] = 1 + sum(self.size(item) for item in inner)
            self._kept.append(node)
        return self._sizes[id(node)]
