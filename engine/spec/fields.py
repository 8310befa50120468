"""What the schema says of each field, looked up once per message type."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Args:
        name: as the schema has it.
        repeated: it takes any number of values.
        required: it must be given.
        type: "message", "enum", "integer", "float", "bool", "string" or "bytes".
        message: the type of message it holds, None for scalars.
        range: least and greatest integer.
        enum: numbers by name.
        single: a float of 32 bits.
    """

    name: str
    repeated: bool
    required: bool
    type: str
    message: str | None = None
    range: tuple[int, int] = (0, 0)
    enum: dict[str, int] | None = None
    single: bool = False


@cache
def fields_of(descriptor: Any) -> dict[str, Field]:
    """The fields of a message type by name, in the schema's order."""
    return {field.name: _field(field) for field in descriptor.fields}


# Types whose options are those of another type's message.
_SHARED = {
    "Deconvolution": "convolution_param",
    "DepthwiseConvolution": "convolution_param",
    "ConvolutionDepthwise": "convolution_param",
    "Im2col": "convolution_param",
    "LSTM": "recurrent_param",
    "RNN": "recurrent_param",
}


def own_param(layer: Any, type_name: str) -> str:
    """The field with a layer type's own options, "" for a type that has none.

    Args:
        layer: the descriptor of LayerParameter.
        type_name: such as "Convolution", whose options are in ``convolution_param``.
    """
    for field in layer.fields:
        if field.message_type and field.message_type.name == f"{type_name}Parameter":
            return str(field.name)
    return _SHARED.get(type_name, "")


def is_repeated(field: Any) -> bool:
    """Whether a field descriptor is of a repeated field, by whichever API protobuf has."""
    repeated = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if repeated is None else repeated)


def _is_required(field: Any) -> bool:
    required = getattr(field, "is_required", None)
    return bool(field.label == field.LABEL_REQUIRED if required is None else required)


def _field(field: Any) -> Field:
    enum = None
    kind, message = field.cpp_type, None
    if kind == FieldDescriptor.CPPTYPE_MESSAGE:
        type_, message = "message", field.message_type.name
    elif kind == FieldDescriptor.CPPTYPE_ENUM:
        type_, enum = "enum", {value.name: value.number for value in field.enum_type.values}
    elif kind in _INTEGERS:
        type_ = "integer"
    elif kind in _FLOATS:
        type_ = "float"
    elif kind == FieldDescriptor.CPPTYPE_BOOL:
        type_ = "bool"
    else:
        type_ = "bytes" if field.type == FieldDescriptor.TYPE_BYTES else "string"
    return Field(
        field.name,
        is_repeated(field),
        _is_required(field),
        type_,
        message,
        _INTEGERS.get(kind, (0, 0)),
        enum,
        kind == FieldDescriptor.CPPTYPE_FLOAT,
    )
