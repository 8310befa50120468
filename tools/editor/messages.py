"""The schema's messages as JSON Schema definitions.

Every value may be written as an expression, ``${...}``, so each definition takes a string that
holds one beside what the field takes.
"""

from __future__ import annotations

from typing import Any

from engine.spec.fields import Field, fields_of
from tools.editor.words import choices, described, readers
from tools.layer_pages.page import declared_default

Schema = dict[str, Any]

EXPRESSION = r"\$\{"
_INTEGERS = {
    (-(2**31), 2**31 - 1): "int32",
    (-(2**63), 2**63 - 1): "int64",
    (0, 2**32 - 1): "uint32",
    (0, 2**64 - 1): "uint64",
}
_SCALARS = (*_INTEGERS.values(), "float", "bool")


def definition_of(descriptor: Any) -> Schema:
    """A message: its fields, or an expression, or nothing, as in ``relu_param:``."""
    known = fields_of(descriptor)
    properties = {
        name: of_field(descriptor.fields_by_name[name], field) for name, field in known.items()
    }
    made: Schema = {
        "type": ["object", "string", "null"],
        **_expression("fields below, indented"),
        "properties": properties,
        "additionalProperties": False,
    }
    required = [name for name, field in known.items() if field.required]
    if required:
        made["required"] = required
    return _explained(made, described(descriptor.name))


def of_field(field: Any, known: Field) -> Schema:
    """One field: a reference to its message, or a scalar; a repeated one also takes a list."""
    name = f"{field.containing_type.name}.{field.name}"
    item: Schema = _ref(known.message) if known.message else _scalar(name, known, field)
    made = _or_list(item) if known.repeated else item
    text = described(name) or described(_type_of(field))
    if known.message and field.name.endswith("_param"):
        types = readers(field.name)
        text += f" Options of {', '.join(types)}." if types else ""
    default = declared_default(field, known)
    text += f" Default: {default}." if default and default != '""' else ""
    return _explained(made, text.strip())


def _type_of(field: Any) -> str:
    """The dotted name of a field's message or enum; empty for others."""
    kind = field.message_type or field.enum_type
    return kind.full_name.removeprefix("demitasse.") if kind else ""


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _scalar(name: str, known: Field, field: Any) -> Schema:
    words = choices(name)
    if known.enum or words:
        return _one_of(words or _values(field, known))
    if known.type == "integer":
        return _ref(_INTEGERS[known.range])
    return _ref(known.type) if known.type in ("float", "bool") else {"type": "string"}


def scalar_definitions() -> dict[str, Schema]:
    """The numbers, each as one value and as a list of them."""
    single: dict[str, Schema] = {
        "float": {"type": ["number", "string"], **_expression("a number")},
        # Caffe's files write 0 and 1 as well.
        "bool": {
            "type": ["boolean", "integer", "string"],
            **_expression("true or false"),
            "minimum": 0,
            "maximum": 1,
        },
    }
    for (low, high), name in _INTEGERS.items():
        limits = {"minimum": low, "maximum": high}
        single[name] = {"type": ["integer", "string"], **_expression("an integer"), **limits}
    lists = {
        f"{name}_list": item | {"type": [*item["type"], "array"], "items": _ref(name)}
        for name, item in single.items()
    }
    return single | lists


def _expression(expected: str) -> Schema:
    """What a text must hold in the place of something else; editors show the message."""
    return {"pattern": EXPRESSION, "patternErrorMessage": f"Expected {expected}, or ${{...}}."}


def _values(field: Any, known: Field) -> dict[str, str]:
    return {name: described(f"{_type_of(field)}.{name}") for name in known.enum or ()}


def _one_of(words: dict[str, str]) -> Schema:
    named: Schema = {"enum": list(words)}
    if any(words.values()):
        named["markdownEnumDescriptions"] = list(words.values())
    return {"anyOf": [named, {"type": "string", "pattern": EXPRESSION}]}


def _or_list(item: Schema) -> Schema:
    """One value or a list of them."""
    name = item.get("$ref", "").rpartition("/")[2]
    if name in _SCALARS:
        return _ref(f"{name}_list")
    if item.get("type") == "string":
        return {"type": ["string", "array"], "items": item}
    return {"anyOf": [*item.get("anyOf", [item]), {"type": "array", "items": item}]}


def _explained(made: Schema, text: str) -> Schema:
    return made | {"description": text} if text else made
