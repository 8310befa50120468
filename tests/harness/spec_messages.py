"""Random messages of the schema, for tests that print and read them back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from engine.schema import NetParameter, SolverParameter
from engine.spec.fields import fields_of
from engine.spec.node import Entry, Mapping
from engine.spec.prototxt import parse_prototxt
from engine.spec.yaml_form import parse_yaml

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\0\t\n\r\"'\\:#{}[],- \x7f\u2028"),
    max_size=12,
) | st.sampled_from(
    [
        "yes",
        "null",
        "~",
        "1e3",
        "0x1F",
        "012",
        ".inf",
        "true",
        "a: b",
        "- x",
        "<<",
        "${x}",
        "$${",
        "a$$${",
    ]
)


def _scalars(field: Any) -> st.SearchStrategy[Any]:
    if field.type == "integer":
        return st.integers(*field.range)
    if field.type == "float":
        return st.floats(width=32 if field.single else 64, allow_nan=False)
    if field.type == "enum":
        return st.sampled_from(sorted(field.enum.values()))
    return {"bool": st.booleans(), "string": _TEXT, "bytes": st.binary(max_size=8)}[field.type]


@st.composite
def messages(draw: Any, message_class: Any, depth: int = 3) -> Any:
    """A message with up to six fields set, and messages inside it up to a depth."""
    message = message_class()
    _fill(draw, message, depth)
    return message


def _fill(draw: Any, message: Any, depth: int) -> None:
    known = fields_of(message.DESCRIPTOR)
    usable = [name for name, field in known.items() if depth or field.message is None]
    names = draw(st.lists(st.sampled_from(usable), max_size=6, unique=True)) if usable else []
    names += [f.name for f in known.values() if f.required and f.name not in names]
    for name in names:
        field = known[name]
        count = draw(st.integers(1, 3)) if field.repeated else 1
        for _ in range(count):
            if field.message is not None:
                held = getattr(message, name)
                part = held.add() if field.repeated else held
                part.SetInParent()
                _fill(draw, part, depth - 1)
            elif field.repeated:
                getattr(message, name).append(draw(_scalars(field)))
            else:
                setattr(message, name, draw(_scalars(field)))


def read_as(message_class: Any, text: str, form: str = "prototxt") -> tuple[Any, list[str]]:
    """The message a text makes, and the problems as strings."""
    from engine.spec.bind import bind
    from engine.spec.expand import expand

    parse = parse_prototxt if form == "prototxt" else parse_yaml
    message, problems = message_class(), []
    tree = parse(text, "net." + form)
    if form == "yaml" and isinstance(message, NetParameter | SolverParameter):
        tree = expand(tree, "net.yaml", problems)
    elif form == "yaml":  # no config: `include` is a field like others at its top
        wrapped = Mapping([Entry("any", tree.location, tree)], tree.location)
        tree = expand(wrapped, "any.yaml", problems).entries[0].value
    bind(tree, message, problems)
    return message, [str(problem) for problem in problems]
