"""The JSON Schema of YAML configs: the messages, and what YAML has beyond them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engine.schema import LayerParameter, NetParameter, SolverParameter
from tools.editor.messages import Schema, definition_of, scalar_definitions

DRAFT = "https://json-schema.org/draft/2020-12/schema"
_LAYER, _ITEM = "LayerParameter", "layer"
_LAYER_REF, _ITEM_REF = {"$ref": f"#/$defs/{_LAYER}"}, {"$ref": f"#/$defs/{_ITEM}"}
_FILES: Schema = {"type": ["string", "array"], "items": {"type": "string"}}
_NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"


def config_schema(own_types: Iterable[str] = ()) -> Schema:
    """The schema of a config: a solver with its net, or either of them without a section.

    Args:
        own_types: layer types beside those that are registered.
    """
    definitions: dict[str, Schema] = scalar_definitions()
    for message in (SolverParameter, NetParameter, LayerParameter):
        _collect(message.DESCRIPTOR, definitions)
    _with_language(definitions)
    _with_types(definitions[_LAYER]["properties"]["type"]["anyOf"][0], own_types)
    net, solver = definitions["NetParameter"], definitions["SolverParameter"]
    bare = {**net["properties"], **solver["properties"], "net": _net_or_file(solver)}
    sections = _sections() | {"solver": {"$ref": "#/$defs/SolverParameter"}}
    return {
        "$schema": DRAFT,
        "type": "object",
        "if": {"required": ["solver"]},
        "then": {
            "properties": sections | {"net": _net_or_file(solver)},
            "additionalProperties": False,
        },
        "else": {"properties": sections | bare, "additionalProperties": False},
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text(own_types: Iterable[str] = ()) -> str:
    """That schema as a file: a line for each field, so that changes are seen in a diff."""
    return _text(config_schema(own_types), 3) + "\n"


def _collect(descriptor: Any, definitions: dict[str, Schema]) -> None:
    """Adds a message and all that its fields hold; V1 layers are told of, and not described."""
    if descriptor.name in definitions or descriptor.name.startswith(("V0", "V1")):
        return
    definitions[descriptor.name] = definition_of(descriptor)
    for field in descriptor.fields:
        if field.message_type is not None:
            _collect(field.message_type, definitions)


def _with_types(known: Schema, own_types: Iterable[str]) -> None:
    own = [name for name in own_types if name not in known["enum"]]
    known["enum"] += own
    known["markdownEnumDescriptions"] += ["A type of your own."] * len(own)


def _with_language(definitions: dict[str, Schema]) -> None:
    """Blocks, includes, and the older form of layers, put into the messages' definitions."""
    net, layer = definitions["NetParameter"]["properties"], definitions[_LAYER]["properties"]
    layers = {"type": ["array", "object", "string"], "items": _ITEM_REF}
    net["layer"] |= layers
    net["layer"].pop("anyOf", None)
    net["layers"] = {
        "description": "The older form of `layer`; `demitasse upgrade` rewrites it.",
        "deprecated": True,
    }
    layer["include"] = {
        "description": "The layer is there only when one of these rules holds. "
        "Alone in an item: a file whose layers stand here.",
        "anyOf": [*layer["include"]["anyOf"], _FILES],
    }
    layer["block"] = {"type": "string", "description": "Puts the layers of a block here."}
    definitions[_ITEM] = {
        "if": {"type": "object", "required": ["block"]},
        "then": {"$ref": "#/$defs/use"},
        "else": _LAYER_REF,
    }
    definitions["use"] = _use(layer)
    definitions["block"] = _block(layers)


def _use(layer: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "description": "The layers of a block; other keys are the block's parameters.",
        "required": ["block"],
        "properties": {
            "block": {"type": "string", "description": "Which of the `blocks:`."},
            "name": {
                "type": ["string", "number"],
                "description": "Stands before the names of its layers.",
            },
            "bottom": layer["bottom"] | {"description": "What is called `in` in the block."},
            "top": layer["top"] | {"description": "What is called `out` in the block."},
            "repeat": {
                "type": ["integer", "array", "string"],
                "minimum": 0,
                "description": "How many times, one behind the other (`${i}` is 1, 2, ...), or a "
                "list with an `${item}` for each time.",
            },
        },
    }


def _block(layers: Schema) -> Schema:
    return {
        "type": "object",
        "description": "Layers to use by name, with parameters.",
        "required": [_ITEM],
        "properties": {
            "params": {
                "type": ["array", "object", "null"],
                "items": {"type": "string"},
                "propertyNames": {"pattern": _NAME},
                "description": "Names, or names and defaults; without a default it must be given.",
            },
            "layer": layers,
        },
        "additionalProperties": False,
    }


def _sections() -> dict[str, Schema]:
    return {
        "vars": {
            "type": "object",
            "propertyNames": {"pattern": _NAME},
            "description": "Variables: `${name}` is the value, `${2 * name}` calculates, "
            "`${env:NAME:default}` asks the environment.",
        },
        "blocks": {
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/block"},
            "description": "Blocks of layers, to be used with `block:` in a list of layers.",
        },
        "include": _FILES
        | {"description": "YAML files, seen from this one, whose sections are taken in first."},
    }


def _net_or_file(solver: Schema) -> Schema:
    return {
        "anyOf": [{"$ref": "#/$defs/NetParameter"}, {"type": "string"}],
        "description": "The net, or the file that holds it.",
    }


def _text(value: Any, depth: int, indent: str = "") -> str:
    """JSON, broken into lines down to a depth."""
    if not depth or not isinstance(value, dict) or not value:
        return json.dumps(value, ensure_ascii=False)
    lines = []
    for key, item in value.items():
        inside = _text(item, depth if key == "properties" else depth - 1, indent + " ")
        lines.append(f"{indent} {json.dumps(key)}: {inside}")
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
