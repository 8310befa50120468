"""One written scalar -> the Python value a field of the schema takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from engine.errors import did_you_mean
from engine.spec.fields import Field
from engine.spec.node import Kind, Mapping, Node, Scalar, Sequence, text_of

_TRUE, _FALSE = {"true", "True", "t"}, {"false", "False", "f"}
_PLAIN = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
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
    expected, hint = _expected(field), ""
    if isinstance(node, Sequence) and not field.repeated:
        expected += " (it takes one value, not a list)"
    elif isinstance(node, Mapping) and field.repeated:
        hint = f"a list has square brackets: [{', '.join(node.keys())[:60]}]"
    raise WrongValue("wrong type", expected, hint)


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
        elif isinstance(value, str | bytes):
            hint = _number_in(node)
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
    elif isinstance(value, str | bytes):
        hint = _number_in(node)
    elif node.kind is Kind.RADIX:
        hint = "a leading 0 or 0x belongs to integers only"
    raise WrongValue("wrong type", _expected(field), hint)


def _number_in(node: Scalar) -> str:
    """How to write what was meant as a number: quoted, 1_000, 10k, 0,01 or a variable."""
    text = (text_of(node) or "").strip()
    variable = re.fullmatch(r"\$(?:env:)?(\w+)|\$?\{(?:env:)?(\w+)\}", text)
    if variable and node.kind is Kind.TEXT:
        return (
            f"a variable is written ${{{variable[1] or variable[2]}}}, one of the environment "
            f"${{env:{variable[1] or variable[2]}}}"
        )
    if _PLAIN.fullmatch(text):
        return f"write {text} without quotes"
    thousands = re.fullmatch(r"([-+]?\d{1,3}(?:[_,' ]\d{3})+)", text)
    if thousands:
        return f"write {re.sub('[^-+0-9]', '', text)}"
    short = re.fullmatch(r"(\d+)([kKM])", text)
    if short:
        return f"write {int(short[1]) * (1000 if short[2] in 'kK' else 1000000)}"
    comma = re.fullmatch(r"([-+]?\d+),(\d+)|([-+]?[\d.]+),", text)
    if comma:
        return f"write {comma[3] or f'{comma[1]}.{comma[2]}'}"
    return ""


def _bool(field: Field, node: Scalar) -> bool:
    value = node.value
    if node.kind is Kind.BOOL:
        return bool(value)
    if node.kind in (Kind.INT, Kind.RADIX) and value in (0, 1):
        return bool(value)
    if node.kind is Kind.WORD and value in _TRUE | _FALSE:
        return value in _TRUE
    hint = ""
    if isinstance(value, str | bytes):
        word = (text_of(node) or "").lower()
        truth = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false"}
        meant = truth.get(word, "false" if word == "off" else "")
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
