"""A text that is not YAML: the place of the mistake, and what to write, not the parser's riddle."""

from __future__ import annotations

import pytest
import yaml

from engine.errors import DemitasseError
from engine.spec.yaml_form import parse_yaml

SPACES = "YAML is indented with spaces, not tabs"
COLUMN_3 = "the line above it begins in column 3"
OTHER_QUOTES = "a text with quotes in it takes the other kind around it, ' or \""

MISTAKES = [
    ("a:\n\tb: 1\n", "f:2", "a tab in the indentation", SPACES),
    ("a:\n  b: 1\n\tc: 1\n", "f:3", "a tab in the indentation", SPACES),
    ("a:\n  b:1\n  c: 2\n", "f:2:3", 'no "key: value"', "space belongs after the colon: b: 1"),
    ("a:\n  b:\xa01\n  c: 2\n", "f:2:3", 'no "key: value"', "space belongs after the colon: b: 1"),
    ("a:\n  b = 1\n  c: 2\n", "f:2:3", 'no "key: value"', "write b: 1"),
    ("a:\n  b 1\n  # a comment\n\n  c: 2\n", "f:2:3", 'no "key: value"', "write b: 1"),
    ("a: 1\nb\n", "f:2:1", 'this line is no "key: value"', "KEY: VALUE"),
    ("layer {\n  b: 1\n}\n", "f:1:1", "no", "this looks like prototxt: name the file .prototxt"),
    ("a: b: c\n", "f:1:5", 'a second ": " in one line', "needs quotes"),
    ("a:\n  - b: 1\n     c: 2\n", "f:3:6", "has its value already", 'column 5, below "b"'),
    ("a:\n  - b: 1\n   c: 2\n", "f:3:4", "the indentation fits no line above", "column 5"),
    ("a:\n  b: 1\n c: 2\n", "f:3:2", "the indentation fits no line above", COLUMN_3),
    ("a:\n  - b: 1\n  c: 2\n", "f:3:3", 'an item of the list without its "- "', 'with "- "'),
    ("a:\n  b: 1\n  - c: 2\n", "f:3:3", "a list's item among keys", "under a key of its own"),
    ("a:\n  -b: 1\n   c: 2\n", "f:2:3", "item without a space", "a space belongs after the dash"),
    ('a: "b\nc: 2\n', "f:1:4", "a quote is opened and never closed", '"'),
    ("a: 'it's'\n", "f:1:8", "more behind a closing quote", OTHER_QUOTES),
    ("a: [1, 2\nb: 3\n", "f:1:4", '"[" is opened and not closed', "]"),
    ("a: {b: 1 c: 2}\n", "f:1:11", '"," or "}" is missing here', "separated by commas"),
    ("a: 1\n}\n", "f:2:1", '"}" closes what is not open', ""),
    ("a: @b\n", "f:1:4", "cannot start any token", 'begins with "@" needs quotes'),
    ("a: *.jpg\n", "f:1:5", "expected alphabetic", 'begins with "*" needs quotes'),
]


def refusal(text: str) -> DemitasseError:
    with pytest.raises(DemitasseError) as caught:
        parse_yaml(text, "f")
    return caught.value


@pytest.mark.parametrize(("text", "where", "what", "advice"), MISTAKES)
def test_mistake(text: str, where: str, what: str, advice: str) -> None:
    problem = refusal(text)
    assert f"{problem.where}:".startswith(f"{where}:")
    assert what in problem.what
    assert advice in f"{problem.hint} {problem.expected}"


@pytest.mark.parametrize(("text", "where", "what", "advice"), MISTAKES)
def test_the_parser_in_python_is_understood_as_well(
    text: str, where: str, what: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    problem = refusal(text)
    # PyYAML's own parser notices some mistakes a column off; the line is the same.
    assert problem.where.split(":")[1] == where.split(":")[1]
    assert problem.what.startswith("not YAML: ")


def test_a_file_that_is_cut_short() -> None:
    assert refusal("a: {b: [1,\n").where == "f:1:8"
