"""``--set`` overrides: a dotted path and a value, typed by the schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.errors import ConfigError, DemitasseError, did_you_mean, identify
from engine.spec.bind import bind
from engine.spec.fields import Field, fields_of, own_param
from engine.spec.node import Entry, Kind, Location, Mapping, Node, Scalar, Sequence
from engine.spec.origins import Origins
from engine.spec.units import clear_other_unit
from engine.spec.yaml_form import parse_yaml_value
from layers.synonyms import known_field

ROOTS = ("solver", "net", "vars")


def apply_overrides(
    message: Any, overrides: Iterable[str], root: str, origins: Origins | None = None
) -> None:
    """Changes a message as overrides say; those of the other root are left alone.

    ``net.layer.conv1.convolution_param.num_output=64`` changes every layer named conv1; a
    number chooses a layer, or another repeated message, by its position. A value is written as
    in YAML and replaces what was there, whole lists included; a length in iterations also
    replaces the same in epochs, and the other way round.

    Args:
        message: a NetParameter or SolverParameter.
        overrides: ``ROOT.PATH=VALUE`` each.
        root: "solver" or "net": which of them the message is.
        origins: learns which values were overridden.

    Raises:
        ConfigError: everything that is wrong with the overrides.
    """
    problems: list[DemitasseError] = []
    overridden: list[str] = []
    for override in overrides:
        try:
            head, path, value = _split(override)
            if head == root:
                _Override(override, value, problems, origins).walk(message, path, root)
                overridden += path[:1]
        except DemitasseError as error:
            problems.append(error)
    if root == "solver":
        clear_other_unit(message, overridden)
    if problems:
        identify(problems, "DM005")
        raise ConfigError(problems)


def of_root(overrides: Iterable[str], root: str) -> tuple[str, ...]:
    """The overrides meant for one root.

    Raises:
        ConfigError: an override is malformed or of an unknown root.
    """
    problems: list[DemitasseError] = []
    chosen = []
    for override in overrides:
        try:
            if _split(override)[0] == root:
                chosen.append(override)
        except DemitasseError as error:
            problems.append(error)
    if problems:
        identify(problems, "DM005")
        raise ConfigError(problems)
    return tuple(chosen)


def variable_settings(overrides: Iterable[str]) -> list[tuple[str, str, str]]:
    """The ``vars.NAME=VALUE`` settings: name, value, and where they were given."""
    settings = []
    for override in of_root(overrides, "vars"):
        _, path, value = _split(override)
        settings.append((".".join(path), value, _where(override)))
    return settings


def _split(override: str) -> tuple[str, list[str], str]:
    path, equals, value = override.partition("=")
    parts = path.strip().split(".")
    where = _where(override)
    if not equals:
        raise DemitasseError("an override needs a value", where, expected="PATH=VALUE")
    if parts[0] not in ROOTS:
        hint = did_you_mean(parts[0], ROOTS)
        if not hint and parts[0]:
            hint = f"solver.{path.strip()}=... sets the solver's"
        raise DemitasseError(
            f'unknown root "{parts[0]}"', where, expected='"solver", "net" or "vars"', hint=hint
        )
    if len(parts) < 2 or "" in parts:
        example = "such as solver.base_lr, or net.layer.conv1.type"
        raise DemitasseError("a path is names joined by dots", where, f'"{path.strip()}"', example)
    return parts[0], parts[1:], value.strip()


def _where(override: str) -> str:
    return f"--set {override if len(override) <= 80 else override[:77] + '...'}"


class _Override:
    """One override on its way down the message."""

    def __init__(
        self,
        override: str,
        value: str,
        problems: list[DemitasseError],
        origins: Origins | None = None,
    ):
        self.where = Location(_where(override))
        self.value, self.problems, self.origins = value, problems, origins

    def walk(self, message: Any, parts: list[str], above: str, path: str = "") -> None:
        """Goes down the message; ``above`` is what was read, ``path`` where that is."""
        name, rest = parts[0], parts[1:]
        known = fields_of(message.DESCRIPTOR)
        field = known.get(name)
        if field is None:
            kind = message.DESCRIPTOR.name
            hint = self.of_type(name, message, rest, above) or known_field(name, known)
            listed = f": {', '.join(known)}" if not hint and len(known) <= 40 else ""
            expected = f"a field of {kind}{listed}"
            raise self.error(f'unknown field "{name}" in {above}', expected=expected, hint=hint)
        here = f"{above}.{name}"
        if not rest:
            self.store(message, field)
            if self.origins is not None:
                self.origins.replace(path + name, self.where)
        elif field.message is None:
            what = f'"{here}" has no fields'
            raise self.error(what, got=f'"{".".join(rest)}"', expected=f"{here}=VALUE")
        elif field.repeated:
            elements = getattr(message, name)
            for index, position, deeper in self.choose(elements, rest, here):
                at = f"{path}{name}.{index}."
                self.walk(elements[index], deeper, f"{here}.{position}", at)
        else:
            self.walk(getattr(message, name), rest, here, f"{path}{name}.")

    def of_type(self, name: str, message: Any, rest: list[str], above: str) -> str:
        """The path to an option of a layer's type that was looked for in the layer itself."""
        if message.DESCRIPTOR.name != "LayerParameter":
            return ""
        own = own_param(message.DESCRIPTOR, message.type)
        if own and name in fields_of(message.DESCRIPTOR.fields_by_name[own].message_type):
            return f"it is {'.'.join([above, own, name, *rest])}"
        return ""

    def choose(
        self, elements: Any, parts: list[str], above: str
    ) -> list[tuple[int, str, list[str]]]:
        """The positions that a path goes on with, what was read of it, and the rest."""
        names = [element.name for element in elements if hasattr(element, "name")]
        # Names hold dots too: take the longest that fits.
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if name in names:
                found = [at for at, element in enumerate(elements) if element.name == name]
                return [(at, name, self.rest(parts, length, above)) for at in found]
        if parts[0].isdecimal() and len(parts[0]) < 10 and int(parts[0]) < len(elements):
            return [(int(parts[0]), parts[0], self.rest(parts, 1, above))]
        noun = above.rpartition(".")[2]
        raise self.error(
            f'no {noun} "{parts[0]}" in {above.rpartition(".")[0]}',
            expected=f"a name, or a number from 0 to {len(elements) - 1}" if elements else "",
            hint=did_you_mean(parts[0], names) or ("" if elements else f"it has no {noun}"),
        )

    def rest(self, parts: list[str], used: int, above: str) -> list[str]:
        if len(parts) == used:
            here = f"{above}.{'.'.join(parts)}"
            raise self.error(
                f'"{here}" is a whole {above.rpartition(".")[2]}',
                expected=f"one of its fields: {here}.FIELD=VALUE",
            )
        return parts[used:]

    def store(self, message: Any, field: Field) -> None:
        node = self.node(field)
        before = len(self.problems)
        # On a copy first: a wrong value must not leave the old one half erased.
        trial = type(message)()
        trial.CopyFrom(message)
        for target in (trial, message):
            target.ClearField(field.name)
            entry = Entry(field.name, self.where, node)
            bind(Mapping([entry], self.where), target, self.problems)
            if len(self.problems) > before:
                return

    def node(self, field: Field) -> Node:
        if field.type != "string":
            return parse_yaml_value(self.value, self.where)
        # A string needs no quotes here: those on a command line are the shell's.
        try:
            node = parse_yaml_value(self.value, self.where)
        except ConfigError:
            node = self.text(self.value)
        if isinstance(node, Sequence) and field.repeated:
            return Sequence([self.as_text(item) for item in node.items], node.location)
        return self.as_text(node) if isinstance(node, Scalar) else self.text(self.value)

    def as_text(self, node: Node) -> Node:
        return (
            self.text(node.text)
            if isinstance(node, Scalar) and node.kind is not Kind.TEXT
            else node
        )

    def text(self, value: str) -> Scalar:
        return Scalar(Kind.TEXT, value, value, self.where)

    def error(self, what: str, **details: str) -> DemitasseError:
        return DemitasseError(what, str(self.where), **details)
