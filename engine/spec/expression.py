"""``${...}`` inside a value: names and arithmetic on numbers, by a parser of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

MAX_LENGTH = 400  # characters of one expression
MAX_DEPTH = 20  # parentheses in parentheses: the parser recurses into each
MAX_INTEGER = 2**64  # no field of the schema holds more

Number: TypeAlias = int | float
Lookup: TypeAlias = Callable[[str], Number]

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPENING = re.compile(r"(\$+)\{")
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>//|[-+*/%()]))"
)


class BadExpression(Exception):
    """What is wrong with an expression, for an error that knows the place."""

    def __init__(self, what: str, got: str = "", expected: str = "", hint: str = ""):
        super().__init__(what)
        self.what, self.got, self.expected, self.hint = what, got, expected, hint


class Expression(NamedTuple):
    """The text between ``${`` and ``}``."""

    text: str

    def names(self) -> set[str]:
        """The variables it reads."""
        return set() if self.text.startswith("env:") else set(NAME.findall(self.text))


def split(text: str) -> list[str | Expression]:
    """A value's text as literal pieces and expressions; ``$${`` is a literal ``${``.

    Raises:
        BadExpression: a ``${`` without its ``}``.
    """
    pieces: list[str | Expression] = []
    position = 0
    for opening in _OPENING.finditer(text):
        if opening.start() < position:
            continue  # inside an expression
        pieces.append(text[position : opening.start()])
        dollars = len(opening[1])
        if dollars > 1:
            pieces.append("$" * (dollars - 1) + "{")
            position = opening.end()
            continue
        end = text.find("}", opening.end())
        if end < 0:
            raise BadExpression('"${" without its "}"', got=text[opening.start() :][:60])
        pieces.append(Expression(text[opening.end() : end].strip()))
        position = end + 1
    pieces.append(text[position:])
    return [piece for piece in pieces if piece]


def escape(text: str) -> str:
    """Text that reads back as itself, whatever ``${`` it holds."""
    return _OPENING.sub(r"$\g<0>", text)


def names_in(text: str) -> set[str]:
    """The variables that a value's text reads."""
    try:
        pieces = split(text)
    except BadExpression:
        return set()
    return set().union(*(piece.names() for piece in pieces if isinstance(piece, Expression)))


def calculate(text: str, lookup: Lookup) -> Number:
    """The value of ``2 * (width + 1)``: + - * / // % on numbers, parentheses.

    ``/`` gives an integer where two integers divide evenly.

    Args:
        text: the expression.
        lookup: gives the number that a name stands for.

    Raises:
        BadExpression: it cannot be read, or its value is no finite number.
    """
    if len(text) > MAX_LENGTH:
        raise BadExpression(f"an expression of more than {MAX_LENGTH} characters")
    parser = _Parser(text, lookup)
    value = parser.sum()
    if parser.token:
        raise parser.unexpected()
    return value


class _Parser:
    def __init__(self, text: str, lookup: Lookup):
        self.text, self.lookup = text, lookup
        self.depth = 0
        self.tokens = self.read()
        self.kind, self.token = next(self.tokens)

    def read(self) -> Iterator[tuple[str, str]]:
        position, end = 0, len(self.text.rstrip())
        while position < end:
            found = _TOKEN.match(self.text, position)
            if not found:
                foreign = re.fullmatch(r"(?:env[.:])?([A-Za-z_]\w*)(:.*)?", self.text)
                raise BadExpression(
                    "not an expression",
                    got=self.text,
                    expected="names, numbers, + - * / // % and parentheses",
                    hint=f"${{env:{foreign[1]}{foreign[2] or ''}}} reads the environment"
                    if foreign
                    else "",
                )
            yield found.lastgroup or "", found[found.lastgroup or 0]
            position = found.end()
        yield "", ""

    def take(self) -> str:
        taken = self.token
        self.kind, self.token = next(self.tokens, ("", ""))
        return taken

    def unexpected(self) -> BadExpression:
        what = f'"{self.token}" is not expected here' if self.token else "the expression breaks off"
        return BadExpression(what, got=self.text or "nothing", expected="such as 2 * (width + 1)")

    def sum(self) -> Number:
        value = self.product()
        while self.token in ("+", "-"):
            value = self.apply(self.take(), value, self.product())
        return value

    def product(self) -> Number:
        value = self.signed()
        while self.token in ("*", "/", "//", "%"):
            value = self.apply(self.take(), value, self.signed())
        return value

    def signed(self) -> Number:
        negative = False
        while self.token in ("+", "-"):
            negative ^= self.take() == "-"
        value = self.atom()
        return -value if negative else value

    def atom(self) -> Number:
        if self.kind == "number":
            token = self.take()
            return self.checked(int(token) if token.isdecimal() else float(token))
        if self.kind == "name":
            return self.lookup(self.take())
        if self.token != "(":
            raise self.unexpected()
        self.take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadExpression(f"parentheses more than {MAX_DEPTH} deep", got=self.text[:60])
        value = self.sum()
        if self.token != ")":
            raise self.unexpected()
        self.take()
        self.depth -= 1
        return value

    def apply(self, sign: str, left: Number, right: Number) -> Number:
        if sign in ("/", "//", "%") and right == 0:
            raise BadExpression("division by zero", got=self.text)
        value: Number
        if sign == "+":
            value = left + right
        elif sign == "-":
            value = left - right
        elif sign == "*":
            value = left * right
        elif sign == "/":
            whole = isinstance(left, int) and isinstance(right, int) and left % right == 0
            value = left // right if whole else left / right
        else:
            value = left // right if sign == "//" else left % right
        return self.checked(value)

    def checked(self, value: Number) -> Number:
        if (isinstance(value, int) and abs(value) > MAX_INTEGER) or not math.isfinite(value):
            raise BadExpression("the number is too large", got=self.text[:60])
        return value
