"""A config's tree with its includes, variables and blocks expanded: plain fields and layers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from engine.errors import ConfigError, DemitasseError, did_you_mean
from engine.spec.blocks import read_blocks
from engine.spec.expression import NAME, BadExpression
from engine.spec.include import Document, read_document
from engine.spec.node import Entry, Location, Mapping, Node, Sequence
from engine.spec.uses import LayerExpander
from engine.spec.variables import Failed, Scope, Substituter
from engine.spec.yaml_form import parse_yaml_value

# The fields that hold a net, and so a list of layers.
_NETS = ("net", "net_param", "train_net_param", "test_net_param")


def expand(
    tree: Mapping,
    name: str,
    problems: list[DemitasseError],
    settings: Iterable[tuple[str, str, str]] = (),
) -> Mapping:
    """Expands what YAML configs may use beyond the schema.

    Args:
        tree: what the reader made of the file.
        name: the file, as messages call it.
        problems: gets everything that is wrong.
        settings: variables set from outside: name, value as YAML, and where that was said.

    Returns:
        a tree of the schema's fields alone. A value that could not be found is left out of it.

    Raises:
        ConfigError: the config grows beyond all bounds.
    """
    try:
        return _expand(tree, name, problems, settings)
    except RecursionError:
        what = "variables and blocks are nested too deep"
        raise ConfigError([*problems, DemitasseError(what, name)]) from None


def _expand(
    tree: Mapping,
    name: str,
    problems: list[DemitasseError],
    settings: Iterable[tuple[str, str, str]],
) -> Mapping:
    document = read_document(tree, name, problems)
    scope = _variables(document, problems, settings)
    substituter = Substituter(problems)
    for key, definition in scope.names.items():  # wrong ones that nothing uses, too
        with suppress(Failed, BadExpression):
            substituter.value(key, scope, definition.location)
    blocks = read_blocks(document.blocks, problems)
    layers = LayerExpander(substituter, blocks, scope)
    return _Expander(substituter, layers, scope).tree(document.rest)


def _variables(
    document: Document, problems: list[DemitasseError], settings: Iterable[tuple[str, str, str]]
) -> Scope:
    scope = Scope("a variable")
    for key, entry in document.vars.items():
        if not NAME.fullmatch(key) or key in ("name", "env", "i", "item"):
            what = f'"{key}" cannot be a variable'
            rule = "letters, digits and _"
            if NAME.fullmatch(key):
                rule = "another name: blocks give this one a meaning of their own"
            problems.append(DemitasseError(what, str(entry.location), expected=rule))
        scope.define(key, entry.value, entry.location)
    _set(scope, settings, problems)
    return scope


def _set(
    scope: Scope, settings: Iterable[tuple[str, str, str]], problems: list[DemitasseError]
) -> None:
    for name, value, where in settings:
        if name in scope.names:
            location = Location(where)
            scope.define(name, parse_yaml_value(value, location), location)
            continue
        listed = ", ".join(scope.names)
        problems.append(
            DemitasseError(
                f'the config has no variable "{name}"',
                where,
                expected=f"one of its variables: {listed}" if listed else "",
                hint=did_you_mean(name, scope.names) or ("" if listed else "it has no `vars:`"),
            )
        )


class _Expander:
    def __init__(self, substituter: Substituter, layers: LayerExpander, scope: Scope):
        self.substituter, self.layers, self.scope = substituter, layers, scope

    def tree(self, tree: Mapping) -> Mapping:
        """The whole config, a section of it, or a net: what holds layers and other fields."""
        whole = Mapping([], tree.location)
        for entry in tree.entries:
            expanded = self.entry(entry)
            if expanded is not None:
                whole.entries.append(expanded)
            else:
                whole.refused.append(entry.key)
        return whole

    def entry(self, entry: Entry) -> Entry | None:
        value: Node = entry.value
        if entry.key == "layer":
            items = value.items if isinstance(value, Sequence) else [value]
            return entry._replace(value=Sequence(self.layers.net(items), value.location))
        if entry.key in (*_NETS, "solver"):
            if isinstance(value, Mapping):
                return entry._replace(value=self.tree(value))
            if isinstance(value, Sequence):
                nets = [self.tree(n) if isinstance(n, Mapping) else n for n in value.items]
                return entry._replace(value=Sequence(nets, value.location))
        return self.substituter.entry(entry, self.scope)
