"""What there is to say of a layer type, taken from its class and from the schema."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from engine.schema import LayerParameter, NetParameter
from engine.spec import parse_net, to_prototxt, to_yaml
from engine.spec.fields import Field, fields_of
from engine.spec.write import shortest
from layers import Layer, find_layer, layer_types
from layers.example import example

OURS = ("layers", "engine")
_SECTIONS = ("Summary", "Formula", "Derivative", "Notes", "Shapes", "Parameters", "Source")
_ONE_PARAGRAPH = ("Summary", "Formula", "Derivative")  # what follows these is a note
_HEADING = re.compile(r"(Formula|Derivative|Shapes|Parameters|Example|Source)(?!\w)([^:]*):+ *(.*)")


@dataclass(frozen=True)
class Parameter:
    """One field that the layer reads.

    Args:
        name: as written in a config.
        type: in a reader's words: ``uint32``, ``MAX or AVE``, ``float, repeated``.
        default: as written in a config, empty without one.
    """

    name: str
    type: str
    default: str


@dataclass
class LayerPage:
    """A layer type as its class tells it.

    Args:
        cls: the class.
        sections: the docstring's paragraphs by heading; "Summary" and "Notes" have none there.
    """

    cls: type[Layer]
    sections: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.sections = parse_docstring(inspect.cleandoc(self.cls.__doc__ or "").replace("``", "`"))

    @property
    def type(self) -> str:
        """The name in configs."""
        return self.cls.type

    @property
    def group(self) -> str:
        """The folder it lies in; for a layer of another package, that package."""
        parts = self.cls.__module__.split(".")
        return parts[1] if parts[0] in OURS and len(parts) > 2 else parts[0]

    @property
    def is_ours(self) -> bool:
        """Whether it comes with demitasse, rather than with another package."""
        return self.cls.__module__.split(".")[0] in OURS

    @property
    def line(self) -> str:
        """The formula, or what it does, in one line: the first of the module's docstring."""
        first = ((sys.modules[self.cls.__module__].__doc__ or "").splitlines() or [""])[0]
        name, colon, line = first.partition(": ")
        if not colon or name != self.type:
            line = self.sections["Formula"].partition("\n")[0] or self.sections["Summary"]
        return line.removesuffix(".")

    @property
    def file(self) -> str:
        """The file that implements it, from the folder its package lies in."""
        return self.cls.__module__.replace(".", "/") + ".py"

    @property
    def path(self) -> str:
        """Where that file is on this machine."""
        return inspect.getsourcefile(self.cls) or self.file

    @property
    def source_code(self) -> str:
        """That file's content."""
        return inspect.getsource(sys.modules[self.cls.__module__])

    @cached_property
    def parameters(self) -> dict[str, list[Parameter]]:
        """The fields it reads, by the message they lie in."""
        text = " ".join(self.sections["Parameters"].split())
        other = find_layer(m[1]) if (m := re.match(r"\W*\w+\W+as (\w+)'s;", text)) else None
        if other is not None:
            text += " " + " ".join(LayerPage(other).sections["Parameters"].split())
        known = LayerParameter.DESCRIPTOR.fields_by_name
        messages = dict.fromkeys(name for name in re.findall(r"\w+_param\b", text) if name in known)
        found = {name: list(_parameters(known[name].message_type, text)) for name in messages}
        return {name: fields for name, fields in found.items() if fields}

    @cached_property
    def example(self) -> NetParameter:
        """The docstring's example, without the Input layers that feed it."""
        net = parse_net(example(self.cls)).param
        shown = [layer for layer in net.layer if layer.type != "Input" or self.type == "Input"]
        return NetParameter(layer=shown)

    @property
    def prototxt(self) -> str:
        """The example as prototxt."""
        return to_prototxt(self.example)

    @property
    def yaml(self) -> str:
        """The example as YAML."""
        return to_yaml(self.example)


def all_pages() -> list[LayerPage]:
    """A page for every layer type: ours by folder, then those of other packages."""
    import engine.data  # noqa: F401  (its import registers the sources that read files)

    pages = [LayerPage(cls) for name in layer_types() if (cls := find_layer(name)) is not None]
    return sorted(pages, key=lambda page: (not page.is_ours, page.group, page.type.lower()))


def group_title(page: LayerPage) -> str:
    """What the folder of a layer holds, as its package says."""
    package = sys.modules.get(page.cls.__module__.rpartition(".")[0])
    if not page.is_ours or package is None:
        return f"Layers of the package {page.group}"
    first = ((package.__doc__ or "").splitlines() or [page.group])[0]
    return first.partition(";")[0].rstrip(".")


def parse_docstring(text: str) -> dict[str, str]:
    """A docstring's sections by heading, every one of them present, some perhaps empty.

    What stands before the first heading is "Summary"; paragraphs without one are "Notes".
    """
    sections = dict.fromkeys((*_SECTIONS, "Example"), "")
    current = "Summary"
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            current = heading[1]
            messages = heading[2].strip()
            line = " " * heading.start(3) + (f"{messages}: " if messages else "") + heading[3]
        elif current in _ONE_PARAGRAPH:
            current = current if line else "Notes"
        elif current == "Example" and line[:1].strip():
            current = "Notes"
        sections[current] += line + "\n"
    return {name: _dedented(re.sub(r"\n{3,}", "\n\n", sections[name])) for name in _SECTIONS}


def _dedented(body: str) -> str:
    first, _, rest = body.strip("\n").partition("\n")
    if rest.startswith("    "):  # a formula, its lines aligned under the first
        return textwrap.dedent(body.strip("\n"))
    return f"{first.strip()}\n{textwrap.dedent(rest)}".strip("\n")


def _parameters(message: Any, text: str) -> Iterator[Parameter]:
    """The fields of a message that the text speaks of."""
    words = set(re.findall(r"\w+", text))
    known = fields_of(message)
    for name, schema in known.items():
        stem, _, side = name.rpartition("_")
        either = side in ("h", "w") and stem in words and "_h and _w" in text
        if name in words or either:
            told = re.search(rf"\b{name}(?: \w)? \(([^)]+)\)", text)
            default = told[1] if told else declared_default(message.fields_by_name[name], schema)
            yield Parameter(name, _type_words(message.fields_by_name[name], schema), default)


def declared_default(field: Any, schema: Field) -> str:
    """The default that the schema declares, as written in a config; empty without one."""
    if not field.has_default_value:
        return ""
    if schema.enum:
        return next(name for name, number in schema.enum.items() if number == field.default_value)
    if schema.type == "float":
        return shortest(field.default_value, schema.single)
    if schema.type == "bool":
        return str(field.default_value).lower()
    return str(field.default_value) or '""'


def _type_words(field: Any, schema: Field) -> str:
    if schema.enum:
        return " | ".join(schema.enum)
    name = schema.message or ("integer" if schema.type == "integer" else schema.type)
    if schema.type == "integer" and schema.range[0] == 0:
        name = "integer >= 0"
    return f"{name}, repeated" if schema.repeated else name
