"""One written scalar -> the Python value a field of the schema takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from engine.errors import did_you_mean
from engine.spec.fields import Field
from engine.spec.node import Kind, Node, Scalar

_TRUE, _FALSE = {"true", "True", "t"}, {"false", "False", "f"}
_NOT_FINITE = re.compile(r"(?P<number>-?(?:infinity|inf|nan))f?", re.IGNORECASE)


class WrongValue(Exception):
    """A value that does not fit its field.

    Args:
        what: "wrong type", "unknown value", ...
        expected: what would fit.
        hint: how to write it, where that is known.
    """

    def __init__(self, what: str, expected: str, hint: str = ""):
        super().__init__(what)
        self.what, self.expected, self.hint = what, expected, hint


def to_value(field: Field, node: Node) -> Any:
    """The value to store in a field.

    Raises:
        WrongValue: the node is no scalar, or of another type, or out of range.
    """
    if isinstance(node, Scalar):
        return _CONVERT[field.type](field, node)
    listed = " (it takes one value, not a list)" if not field.repeated else ""
    raise WrongValue("wrong type", _expected(field) + listed)


def _expected(field: Field) -> str:
    if field.type == "integer":
        return f"an integer from {field.range[0]} to {field.range[1]}"
    if field.type == "enum":
        return f"one of {', '.join(field.enum or ())}"
    names = {"float": "a number", "bool": "true or false", "bytes": "a string"}
    return names.get(field.type, "a string")


def _integer(field: Field, node: Scalar) -> int:
    value = node.value
    if node.kind not in (Kind.INT, Kind.RADIX) or not isinstance(value, int):
        hint = ""
        if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
            hint = f"write {int(value)}"
        raise WrongValue("wrong type", _expected(field), hint)
    low, high = field.range
    if not low <= value <= high:
        raise WrongValue("value out of range", _expected(field))
    return value


def _float(field: Field, node: Scalar) -> float:
    value = node.value
    if node.kind is Kind.FLOAT and isinstance(value, float):
        return value
    if node.kind is Kind.INT and isinstance(value, int):
        # The digits as written: an int that is too long was cut to what fits no integer field.
        return float(value) if node.text[:2] in ("0x", "0o") else float(node.text)
    if node.kind is Kind.WORD and isinstance(value, str):
        word = _NOT_FINITE.fullmatch(value)
        if word:
            return float(word["number"])
    hint = ""
    if node.kind is Kind.TEXT and _NOT_FINITE.fullmatch(str(value)):
        hint = "YAML writes .inf, -.inf and .nan"
    elif node.kind is Kind.RADIX:
        hint = "a leading 0 or 0x belongs to integers only"
    raise WrongValue("wrong type", _expected(field), hint)


def _bool(field: Field, node: Scalar) -> bool:
    value = node.value
    if node.kind is Kind.BOOL:
        return bool(value)
    if node.kind in (Kind.INT, Kind.RADIX) and value in (0, 1):
        return bool(value)
    if node.kind is Kind.WORD and value in _TRUE | _FALSE:
        return value in _TRUE
    hint = ""
    if isinstance(value, str):
        truth = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false"}
        meant = truth.get(value.lower(), "false" if value.lower() == "off" else "")
        hint = f"write {meant} (without quotes)" if meant else ""
    raise WrongValue("wrong type", _expected(field), hint)


def _enum(field: Field, node: Scalar) -> int:
    numbers, value = field.enum or {}, node.value
    if node.kind in (Kind.INT, Kind.RADIX) and isinstance(value, int):
        if value in numbers.values():
            return value
    elif node.kind in (Kind.WORD, Kind.TEXT) and isinstance(value, str):
        if value in numbers:
            return numbers[value]
        raise WrongValue("unknown value", _expected(field), did_you_mean(value, numbers))
    elif node.kind is Kind.QUOTED and isinstance(value, bytes):
        name = value.decode("utf-8", "replace")
        if name in numbers:
            raise WrongValue("wrong type", _expected(field), f"write {name} without quotes")
        raise WrongValue("wrong type", _expected(field), did_you_mean(name, numbers))
    else:
        raise WrongValue("wrong type", _expected(field))
    raise WrongValue("unknown value", f"{_expected(field)} (or its number)")


def _string(field: Field, node: Scalar) -> str:
    data = _bytes(field, node)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise WrongValue("not UTF-8 text", "text") from None


def _bytes(field: Field, node: Scalar) -> bytes:
    if node.kind is Kind.QUOTED and isinstance(node.value, bytes):
        return node.value
    if node.kind is Kind.TEXT and isinstance(node.value, str):
        return node.value.encode("utf-8", "surrogatepass")
    hint = "" if node.kind is Kind.NULL else f'put it in quotes: "{node.text[:60]}"'
    raise WrongValue("wrong type", _expected(field), hint)


_CONVERT: dict[str, Callable[[Field, Scalar], Any]] = {
    "integer": _integer,
    "float": _float,
    "bool": _bool,
    "enum": _enum,
    "string": _string,
    "bytes": _bytes,
}
