"""Protobuf text format -> tree with locations.

protobuf's own parser stops at the first error and forgets where the good values stood, so that
nothing found later could be told by its line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.errors import ConfigError, DemitasseError
from engine.spec.escapes import unescape
from engine.spec.node import MAX_DEPTH, Entry, Kind, Location, Mapping, Node, Scalar, Sequence

_TOKEN = re.compile(
    r"""
    (?P<skip>[ \t\r\n\f\v]+|\#[^\n]*)
  | (?P<word>[A-Za-z_]\w*)
  | (?P<number>\.?[0-9](?:[eE][+-]|[\w.])*)
  | (?P<string>"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"|'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*')
  | (?P<symbol>[:{}<>\[\],;\-])
    """,
    re.VERBOSE | re.ASCII,
)
_INTEGER = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]+|0|[1-9][0-9]*")
_FLOAT = re.compile(r"(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fF]?")
_SIGNED_WORDS = {"inf", "infinity", "nan"}
_CLOSERS = {"{": "}", "<": ">", "[": "]"}


class _Token(NamedTuple):
    kind: str
    text: str
    line: int
    column: int


def parse_prototxt(text: str, name: str = "<text>") -> Mapping:
    """Reads protobuf text format.

    Args:
        text: the whole file.
        name: what to call it in messages.

    Raises:
        ConfigError: the text is not text format; says where, what was found and expected.
    """
    return _Parser(name, _tokenize(text, name)).parse()


def _tokenize(text: str, name: str) -> list[_Token]:
    tokens = []
    position, line, line_start, end = int(text.startswith("\ufeff")), 1, 0, len(text)
    match = _TOKEN.match
    while position < end:
        found = match(text, position)
        if found is None:
            where = Location(name, line, position - line_start + 1)
            raise _bad_character(text, position, where)
        kind, lexeme = found.lastgroup or "", found.group()
        if kind == "skip":
            newlines = lexeme.count("\n")
            if newlines:
                line += newlines
                line_start = position + lexeme.rindex("\n") + 1
        else:
            tokens.append(_Token(kind, lexeme, line, position - line_start + 1))
        position = found.end()
    tokens.append(_Token("end", "", line, position - line_start + 1))
    return tokens


def _bad_character(text: str, position: int, where: Location) -> ConfigError:
    character = text[position]
    if character in "\"'":
        return _error("a string is not closed on its line", where, expected=character)
    hint = "values that are not words or numbers need quotes" if character in "/.\\$~@*%&" else ""
    got = character if character.isprintable() else f"U+{ord(character):04X}"
    return _error("unexpected character", where, got=got, hint=hint)


def _error(
    what: str, where: Location, got: str = "", expected: str = "", hint: str = ""
) -> ConfigError:
    return ConfigError([DemitasseError(what, str(where), got, expected, hint)])


class _Parser:
    def __init__(self, name: str, tokens: list[_Token]):
        self.name, self.tokens, self.at = name, tokens, 0
        self.open: list[_Token] = []

    def parse(self) -> Mapping:
        return Mapping(self.fields("end"), Location(self.name, 1, 1))

    def fields(self, closer: str) -> list[Entry]:
        entries: list[Entry] = []
        while True:
            token = self.tokens[self.at]
            if token.kind == "word":
                self.at += 1
                value = self.field_value(token)
                entries.append(Entry(token.text, self.location(token), value))
                if self.tokens[self.at].text in (",", ";"):
                    self.at += 1
            elif closer in (token.text, token.kind):
                self.at += 1
                return entries
            else:
                raise self.unexpected(token, f"a field name{self.or_closer(closer)}")

    def field_value(self, key: _Token) -> Node:
        token = self.tokens[self.at]
        has_colon = token.text == ":"
        if has_colon:
            self.at += 1
            token = self.tokens[self.at]
        if token.text in ("{", "<"):
            return self.message(token)
        if token.text == "[":
            values = self.list(token)
            if has_colon or not values.items or isinstance(values.items[0], Mapping):
                return values
        elif has_colon:
            return self.scalar(token)
        raise self.unexpected(token, f'":" or "{{" after "{key.text}"')

    def message(self, opener: _Token) -> Mapping:
        self.enter(opener)
        entries = self.fields(_CLOSERS[opener.text])
        self.open.pop()
        return Mapping(entries, self.location(opener))

    def list(self, opener: _Token) -> Sequence:
        self.enter(opener)
        items: list[Node] = []
        if self.tokens[self.at].text == "]":
            self.at += 1
        else:
            separator = ","
            while separator == ",":
                token = self.tokens[self.at]
                items.append(
                    self.message(token) if token.text in ("{", "<") else self.scalar(token)
                )
                separator = self.tokens[self.at].text
                if separator not in (",", "]"):
                    raise self.unexpected(self.tokens[self.at], f'","{self.or_closer("]")}')
                self.at += 1
        self.open.pop()
        return Sequence(items, self.location(opener))

    def scalar(self, token: _Token) -> Scalar:
        self.at += 1
        where = self.location(token)
        if token.kind == "string":
            return self.strings(token, where)
        if token.kind == "number":
            return self.number(token.text, where)
        if token.kind == "word":
            return Scalar(Kind.WORD, token.text, token.text, where)
        if token.text == "-":
            follower = self.tokens[self.at]
            self.at += 1
            if follower.kind == "number":
                return self.number("-" + follower.text, where)
            if follower.kind == "word" and follower.text.lower() in _SIGNED_WORDS:
                return Scalar(Kind.WORD, "-" + follower.text, "-" + follower.text, where)
            raise self.unexpected(follower, 'a number after "-"')
        raise self.unexpected(token, "a value")

    def strings(self, token: _Token, where: Location) -> Scalar:
        parts, written = [], []
        while token.kind == "string":
            try:
                parts.append(unescape(token.text[1:-1]))
            except ValueError as error:
                raise _error(str(error), self.location(token), got=token.text) from None
            written.append(token.text)
            token = self.tokens[self.at]
            self.at += 1
        self.at -= 1
        return Scalar(Kind.QUOTED, b"".join(parts), " ".join(written), where)

    def number(self, text: str, where: Location) -> Scalar:
        digits = text.lstrip("-")
        if _INTEGER.fullmatch(digits):
            value = to_int(digits, octal=True)
            kind = Kind.RADIX if len(digits) > 1 and digits[0] == "0" else Kind.INT
            return Scalar(kind, -value if text[0] == "-" else value, text, where)
        if _FLOAT.fullmatch(digits):
            return Scalar(Kind.FLOAT, float(text.rstrip("fF")), text, where)
        hint = "a leading 0 means octal" if digits[:1] == "0" and digits.isdigit() else ""
        raise _error("malformed number", where, got=text, hint=hint)

    def enter(self, opener: _Token) -> None:
        self.at += 1
        self.open.append(opener)
        if len(self.open) > MAX_DEPTH:
            raise _error(f"nested more than {MAX_DEPTH} deep", self.location(opener))

    def location(self, token: _Token) -> Location:
        return Location(self.name, token.line, token.column)

    def or_closer(self, closer: str) -> str:
        if not self.open or closer == "end":
            return ""
        opener = self.open[-1]
        return f' or "{closer}" closing the "{opener.text}" of {self.location(opener)}'

    def unexpected(self, token: _Token, expected: str) -> ConfigError:
        got = "the end of the file" if token.kind == "end" else token.text
        hint = ""
        before = self.tokens[max(0, self.tokens.index(token) - 1)]
        if token.text == "-" and before.kind == "word" and before.line == token.line:
            hint = "a string needs quotes"
        if token.kind == "end" and self.open:
            opener = self.open[-1]
            what = f'"{opener.text}" of {self.location(opener)} is never closed'
            expected = f'"{_CLOSERS[opener.text]}"'
        else:
            what = "syntax error"
        return _error(what, self.location(token), got, expected, hint)


def to_int(digits: str, octal: bool = False) -> int:
    """Digits to int: decimal, 0x hexadecimal, 0o octal, and C's leading-0 octal on request.

    Python refuses very long decimals to stay linear; one so long fits no field, so that any
    value out of every range does.
    """
    lower = digits.lower()
    if lower.startswith("0x"):
        return int(lower[:64], 16)
    if lower.startswith("0o") or (octal and len(digits) > 1 and digits[0] == "0"):
        return int(lower.removeprefix("0o")[:64], 8)
    significant = digits.lstrip("0") or "0"
    return int(significant[:64])
