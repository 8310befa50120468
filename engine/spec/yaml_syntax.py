"""What a YAML parser's complaint means for the one who wrote the text, and how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from engine.errors import DemitasseError
from engine.spec.node import MAX_DEPTH, Location

Place = Callable[[int, int], Location]  # of a line and a column, both from 0

_PAIR = re.compile(r"\s*(?:- +)*[^\s#'\"\[{][^#]*?:(?:[ \t]|$)")
_NO_SPACE = re.compile(r"([A-Za-z_][\w-]*):([^\s:].*|\xa0.*)")
_EQUALS = re.compile(r"([A-Za-z_][\w-]*)\s*=\s*(\S.*)")
_WORDS = re.compile(r"([A-Za-z_][\w-]*)[ \xa0]+(\S.*)")


def syntax_error(error: Any, text: str, place: Place) -> DemitasseError:
    """The error of a text that PyYAML, with libyaml or without, cannot read.

    Args:
        error: a ``yaml.MarkedYAMLError`` with a mark.
        text: what was read.
        place: the location of a line and a column.
    """
    mark = error.problem_mark or error.context_mark
    lines = [*text.splitlines(), ""]
    problem = _Problem(error, lines, min(mark.line, len(lines) - 1), mark.column, place)
    for look in (
        problem.too_deep,
        problem.tab,
        problem.variable_in_flow,
        problem.open_quote,
        problem.open_bracket,
        problem.no_pair,
        problem.stray,
        problem.indentation,
        problem.quotes_needed,
    ):
        found = look()
        if found is not None:
            return found
    return problem.as_told()


class _Problem:
    """One complaint, looked at from several sides; each look returns an error or None."""

    def __init__(self, error: Any, lines: list[str], line: int, column: int, place: Place):
        self.problem, self.context = str(error.problem), str(error.context or "")
        self.begun: Any = error.context_mark if error.context else None
        self.lines, self.line, self.column, self.place = lines, line, column, place

    @property
    def written(self) -> str:
        return self.lines[self.line]

    @property
    def indent(self) -> int:
        return len(self.written) - len(self.written.lstrip(" "))

    def error(self, what: str, at: tuple[int, int] | None = None, **details: str) -> DemitasseError:
        where = self.place(*(at or (self.line, self.column)))
        return DemitasseError(what, str(where), **details)

    def as_told(self) -> DemitasseError:
        """In the parser's own words."""
        hint = ""
        if self.begun:
            hint = f"{self.context}, begun at {self.place(self.begun.line, self.begun.column)}"
        return self.error(f"not YAML: {self.problem}", hint=hint)

    def too_deep(self) -> DemitasseError | None:
        if "maximum nesting depth" in self.problem:
            return self.error(f"nested more than {MAX_DEPTH} deep")
        return None

    def tab(self) -> DemitasseError | None:
        margin = re.match(r"\s*", self.written)
        if margin and "\t" in margin[0]:
            hint = "YAML is indented with spaces, not tabs"
            return self.error("not YAML: a tab in the indentation", hint=hint)
        return None

    def variable_in_flow(self) -> DemitasseError | None:
        if "flow" in self.context and "${" in self.written:
            hint = 'inside { } and [ ] a value with ${...} needs quotes: "${batch}"'
            return self.error(f"not YAML: {self.problem}", hint=hint)
        return None

    def open_quote(self) -> DemitasseError | None:
        if "quoted scalar" not in self.context or "end of stream" not in self.problem:
            return None
        line, column = self.begun.line, self.begun.column
        begun = self.lines[line][column:]
        what = "not YAML: a quote is opened and never closed"
        return self.error(what, (line, column), got=begun[:60], expected=begun[:1])

    def open_bracket(self) -> DemitasseError | None:
        """Within { } or [ ]: a comma that is missing, a colon without its space, no end."""
        if "flow" not in self.context:
            glued = re.search(r"([\w-]+):[,\]}]?$", self.written[: self.column + 1])
            if "unexpected ':'" in self.problem and glued:
                hint = f"a value belongs after it, and a space before that: {glued[1]}: VALUE"
                return self.error("not YAML: no value after the colon", hint=hint)
            return None
        line, column = self.begun.line, self.begun.column
        if "flow node" in self.context and not self.written.strip():  # the end of the text
            line, column = self._last_bracket()
        bracket = self.lines[line][column : column + 1]
        closing = {"{": "}", "[": "]"}.get(bracket, bracket)
        if line == self.line or not bracket:
            hint = f"within {bracket} {closing} the parts are separated by commas"
            return self.error(f'not YAML: "," or "{closing}" is missing here', hint=hint)
        what = f'not YAML: "{bracket}" is opened and not closed'
        got = f"{self.lines[line][column:][:60]}"
        return self.error(what, (line, column), got=got, expected=closing)

    def _last_bracket(self) -> tuple[int, int]:
        """The last one that is opened, as far as one can tell without reading quotes."""
        for line in range(len(self.lines) - 1, -1, -1):
            column = max(self.lines[line].rfind("{"), self.lines[line].rfind("["))
            if column >= 0:
                return line, column
        return self.line, self.column

    def no_pair(self) -> DemitasseError | None:
        """A line that is not ``key: value``; the parser only trips over the next one."""
        lacks = "mapping values are not allowed" in self.problem
        if not lacks and "could not find expected ':'" not in self.problem:
            return None
        line = self.line if lacks else self.begun.line
        at = self._line_above() if lacks else line
        if at is not None and not _PAIR.match(self.lines[at]):
            return self._not_a_pair(at)
        if not lacks:
            return None
        if re.search(r": ", self.written[: self.column]):
            hint = "a text with a colon and a space in it needs quotes"
            return self.error('not YAML: a second ": " in one line', hint=hint)
        above = self.lines[at] if at is not None else ""
        if at is not None and re.match(r"\s*-\w", above):
            return self._not_a_pair(at)
        column = _first_key(above)
        if at is not None and self.indent > column:
            key = above[column:].partition(":")[0]
            hint = f'begin it in column {column + 1}, below "{key}"'
            what = "not YAML: indented below a line that has its value already"
            return self.error(what, (self.line, self.indent), hint=hint)
        return None

    def _not_a_pair(self, line: int) -> DemitasseError:
        """The error of a line without a key and a value, with what it should perhaps be."""
        written = self.lines[line]
        begin = _first_key(written)
        rest = written[begin:].rstrip()
        if re.match(r"-\w", rest):
            what, hint = "not YAML: a list's item without a space", "a space belongs after the dash"
            return self.error(what, (line, begin), got=rest[:60], hint=hint)
        if rest[:1] == "{":
            what, hint = "not YAML: a group without a key", 'an item of a list begins with "- "'
            return self.error(what, (line, begin), got=rest[:60], hint=hint)
        hint = ""
        for form, tell in (
            (_NO_SPACE, "a space belongs after the colon: {}: {}"),
            (_EQUALS, "write {}: {}"),
            (_WORDS, "write {}: {}"),
        ):
            found = form.fullmatch(rest)
            if found:
                hint = tell.format(found[1], found[2].strip())
                break
        if rest.endswith("{"):
            hint = "this looks like prototxt: name the file .prototxt"
        what, expected = 'not YAML: this line is no "key: value"', "" if hint else "KEY: VALUE"
        return self.error(what, (line, begin), got=rest[:60], expected=expected, hint=hint)

    def _line_above(self) -> int | None:
        """The line before this one that says something."""
        for line in range(self.line - 1, -1, -1):
            if self.lines[line].strip() and not self.lines[line].lstrip().startswith("#"):
                return line
        return None

    def stray(self) -> DemitasseError | None:
        """What goes on behind a value that has ended, or closes what was never opened."""
        rest = self.written[self.column :]
        if "did not find expected key" not in self.problem and "<block end>" not in self.problem:
            return None
        if rest[:1] in ("}", "]"):
            return self.error(f'not YAML: "{rest[0]}" closes what is not open', got=rest[:60])
        if self.column > self.indent and re.search(r"['\"]", self.written[: self.column]):
            hint = "a text with quotes in it takes the other kind around it, ' or \""
            return self.error("not YAML: more behind a closing quote", got=rest[:60], hint=hint)
        return None

    def indentation(self) -> DemitasseError | None:
        """A line that begins in a column where nothing began that it could go on with."""
        if "block" not in self.context or self.column != self.indent:
            return None
        start = self.begun.column
        above = self._line_above()
        if "collection" in self.context and self.column == start:
            hint = 'begin it with "- ", or indent it further to go on with the item above it'
            return self.error('not YAML: an item of the list without its "- "', hint=hint)
        if self.written[self.indent :].startswith("- "):
            hint = "a list stands under a key of its own, such as `layer:`"
            return self.error("not YAML: a list's item among keys", hint=hint)
        if above is None:
            return None
        column = _first_key(self.lines[above])
        if column == self.column and not _PAIR.match(self.lines[above]):
            return self._not_a_pair(above)
        hint = f"the line above it begins in column {column + 1}"
        return self.error("not YAML: the indentation fits no line above", hint=hint)

    def quotes_needed(self) -> DemitasseError | None:
        """A value that begins with a character which YAML keeps for itself."""
        sign = self.written[self.column : self.column + 1]
        if "cannot start any token" in self.problem and sign:
            hint = f'a value that begins with "{sign}" needs quotes'
            return self.error(f"not YAML: {self.problem}", hint=hint)
        if "scanning an alias" in self.context:
            hint = 'a value that begins with "*" needs quotes'
            return self.error(f"not YAML: {self.problem}", hint=hint)
        return None


def _first_key(line: str) -> int:
    """The column of the first key of a line, after its dashes."""
    found = re.match(r"\s*(?:- +)*", line)
    return found.end() if found else 0
