"""``include:``: the sections and layers of other files, joined before anything is expanded."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from engine.errors import ConfigError, DemitasseError
from engine.spec.files import decode_text, find_file, read_bytes
from engine.spec.node import Entry, Location, Mapping, Node, Sequence, text_of
from engine.spec.yaml_form import parse_yaml

MAX_DEPTH = 20  # files that include files
MAX_FILES = 500  # in all: two includes in each of 20 files would read a million

_YAML = (".yaml", ".yml", ".json")


@dataclass
class Document:
    """A config and what it includes.

    Args:
        vars, blocks: the definitions of all files by name.
        rest: everything else: the sections, or the fields of a bare net or solver.
    """

    vars: dict[str, Entry] = field(default_factory=dict)
    blocks: dict[str, Entry] = field(default_factory=dict)
    rest: Mapping = field(default_factory=Mapping)

    def define(self, other: Document) -> None:
        """Takes the definitions of another file; its own win."""
        self.vars = other.vars | self.vars
        self.blocks = other.blocks | self.blocks


def read_document(tree: Mapping, name: str, problems: list[DemitasseError]) -> Document:
    """A config's tree with its includes read.

    Fields, variables and blocks of the including file win over those of the included ones, and
    later includes over earlier ones; lists of layers are joined, the included ones first.

    Args:
        tree: what the reader made of the file.
        name: the file, as messages call it; includes are relative to its folder.
        problems: gets what is wrong with the includes.
    """
    return _Reader(problems).document(tree, name, [name])


class _Reader:
    def __init__(self, problems: list[DemitasseError]):
        self.problems = problems
        self.files = 0

    def document(self, tree: Mapping, name: str, chain: list[str]) -> Document:
        own = Document()
        included = Document()
        for entry in tree.entries:
            if entry.key == "include":
                for node in self.listed(entry.value):
                    other = self.file(node, name, chain)
                    if other is not None:
                        other.define(included)
                        other.rest = _join(included.rest, other.rest)
                        included = other
            elif entry.key in ("vars", "blocks"):
                self.definitions(entry, own)
            else:
                value = self.net(entry, own, name, chain)
                own.rest.entries.append(entry._replace(value=value))
        own.blocks = {
            key: entry._replace(value=self.body(entry.value, own, name, chain))
            for key, entry in own.blocks.items()
        }
        own.define(included)
        own.rest.location = tree.location
        own.rest = _join(included.rest, own.rest)
        return own

    def definitions(self, entry: Entry, own: Document) -> None:
        if not isinstance(entry.value, Mapping):
            kind = "values" if entry.key == "vars" else "definitions"
            self.problem(
                f'"{entry.key}" must hold names and their {kind}',
                entry.value.location,
                got=entry.value.describe(),
            )
            return
        held = own.vars if entry.key == "vars" else own.blocks
        held.update({defined.key: defined for defined in entry.value.entries})

    def net(self, entry: Entry, own: Document, name: str, chain: list[str]) -> Node:
        """A top-level value with the includes among its layers read."""
        if entry.key == "net" and isinstance(entry.value, Mapping):
            return self.body(entry.value, own, name, chain)
        return self.layers(entry.value, own, name, chain) if entry.key == "layer" else entry.value

    def body(self, node: Node, own: Document, name: str, chain: list[str]) -> Node:
        """A mapping with a ``layer`` list: a net or a block."""
        if not isinstance(node, Mapping):
            return node
        entries = [
            entry._replace(value=self.layers(entry.value, own, name, chain))
            if entry.key == "layer"
            else entry
            for entry in node.entries
        ]
        return Mapping(entries, node.location)

    def layers(self, node: Node, own: Document, name: str, chain: list[str]) -> Node:
        items: list[Node] = []
        for item in node.items if isinstance(node, Sequence) else [node]:
            # A layer's own include is a rule on its phase, a mapping; a file's name is a text.
            named = item.get("include") if isinstance(item, Mapping) else None
            rule = isinstance(item, Mapping) and item.get("type") is not None
            if not isinstance(item, Mapping) or named is None or rule or not _names_files(named):
                items.append(item)
                continue
            for other in [entry for entry in item.entries if entry.key != "include"]:
                what = f'"{other.key}" beside the include of a file'
                self.problem(what, other.location, expected="an item that says only `include:`")
            for each in self.listed(named):
                document = self.file(each, name, chain)
                if document is not None:
                    own.define(document)
                    items += self.layers_of(document, each)
        return Sequence(items, node.location)

    def layers_of(self, document: Document, asked: Node) -> list[Node]:
        net = document.rest.get("net")
        held = net if isinstance(net, Mapping) else document.rest
        found = list(held.get_all("layer"))
        if not found:
            self.problem(
                f'"{text_of(asked)}" holds no layers', asked.location, expected="a `layer:` list"
            )
        return found

    def listed(self, node: Node) -> list[Node]:
        return node.items if isinstance(node, Sequence) else [node]

    def file(self, node: Node, name: str, chain: list[str]) -> Document | None:
        """The document that an include names, or None after noting why there is none."""
        try:
            path = self.checked(node, name, chain)
            self.files += 1
            text = decode_text(read_bytes(find_file(path)), path)
        except DemitasseError as error:
            where = str(node.location)
            hint = error.hint or error.where
            self.problems.append(
                DemitasseError(error.what, where, error.got, error.expected, hint, error.id)
            )
            return None
        try:
            return self.document(parse_yaml(text, path, self.problems), path, [*chain, path])
        except ConfigError as error:
            self.problems += error.problems
            return None

    def checked(self, node: Node, name: str, chain: list[str]) -> str:
        given = text_of(node)
        if not given or "${" in given:
            raise DemitasseError(
                "an include takes the name of a file", got=node.describe(), expected="a plain text"
            )
        path = os.path.normpath(os.path.join(os.path.dirname(name), given))
        if os.path.splitext(path)[1].lower() not in _YAML:
            raise DemitasseError(
                "only YAML files can be included",
                got=f'"{given}"',
                hint=f"demitasse convert {given} {os.path.splitext(given)[0]}.yaml",
            )
        real = [os.path.realpath(each) for each in chain]
        if os.path.realpath(path) in real:
            begin = real.index(os.path.realpath(path))
            shown = " -> ".join([*chain[begin:], path])
            raise DemitasseError("files include each other in a circle", got=shown)
        if len(chain) > MAX_DEPTH or self.files >= MAX_FILES:
            limit = f"{MAX_DEPTH} deep" if len(chain) > MAX_DEPTH else f"{MAX_FILES} times"
            raise DemitasseError(f"files are included more than {limit}")
        return path

    def problem(self, what: str, where: Location, **details: str) -> None:
        self.problems.append(DemitasseError(what, str(where), **details))


def _names_files(node: Node) -> bool:
    items = node.items if isinstance(node, Sequence) else [node]
    return bool(items) and all(text_of(each) is not None for each in items)


def _join(under: Mapping, over: Mapping) -> Mapping:
    """The fields of both; those of ``over`` win, and sections and lists of layers are joined."""
    if not under.entries:
        return over
    mixed = over.entries and _bare_section(under.entries) != _bare_section(over.entries)
    if _sectioned(under) or _sectioned(over) or mixed:
        under, over = _in_sections(under), _in_sections(over)
    joined = {entry.key: entry for entry in under.entries}
    for entry in over.entries:
        below = joined.get(entry.key)
        value = entry.value
        if below is not None and entry.key == "layer":
            layers = [*under.get_all("layer"), *over.get_all("layer")]
            value = Sequence(layers, value.location)
        elif isinstance(value, Mapping) and below is not None and entry.key in ("net", "solver"):
            value = _join(below.value, value) if isinstance(below.value, Mapping) else value
        joined[entry.key] = entry._replace(value=value)
    return Mapping(list(joined.values()), over.location if over.entries else under.location)


def _sectioned(tree: Mapping) -> bool:
    return any(isinstance(tree.get(section), Mapping) for section in ("net", "solver"))


def _in_sections(tree: Mapping) -> Mapping:
    """A net's or a solver's fields that stand bare, put under ``net:`` or ``solver:``."""
    if isinstance(tree.get("solver"), Mapping):
        return tree
    nets = [each for each in tree.entries if each.key == "net" and isinstance(each.value, Mapping)]
    loose = [each for each in tree.entries if each not in nets]
    if not loose:
        return tree
    section = "solver" if nets else _bare_section(loose)
    bare = Entry(section, loose[0].location, Mapping(loose, tree.location))
    return Mapping([bare, *nets], tree.location)


def _bare_section(entries: list[Entry]) -> str:
    from engine.schema import NetParameter

    of_net = {each.name for each in NetParameter.DESCRIPTOR.fields}
    return "net" if {each.key for each in entries} <= of_net else "solver"
