"""Writes docs/errors.md: every id with its meaning, a config and the message that it gets.

    python -m tools.upkeep.errors_page

The examples are those of tests/check/bad, where a test checks each message.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

from engine.check import RULES, Rule

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "errors.md"
EXAMPLES = ROOT / "tests" / "check" / "bad"

_HEAD = """\
# Errors and warnings

`demitasse check CONFIG` reports everything that is wrong with a config at once, and what
experience advises against; `train` and the other commands refuse a config for the same errors, in
the same words. In brackets stands the id of the problem; an id keeps its meaning, and
`demitasse check --explain DM101` tells it as well. An error keeps a config from being used, a
warning does not, unless `--strict` is given.

Each message says what is wrong and where (file:line:column, layer), what was `got` and `expected`,
and how to mend it (`hint`). Where shapes do not fit, `from` tells how each of them came about.

| id | | |
|---|---|---|
"""
_FORMS = {".yaml": "yaml", ".prototxt": "prototxt"}


def page() -> str:
    """The whole page."""
    rows = [f"| [{r.id}](#{_anchor(r)}) | {r.severity} | {r.title} |\n" for r in RULES.values()]
    return _HEAD + "".join(rows) + "".join(map(_section, RULES.values()))


def _anchor(rule: Rule) -> str:
    """The anchor that GitHub makes of the heading."""
    kept = (c for c in f"{rule.id} {rule.title}".lower() if c.isalnum() or c in " -_")
    return "".join(kept).replace(" ", "-")


def _section(rule: Rule) -> str:
    text = f"\n## {rule.id} {rule.title}\n\n{textwrap.fill(rule.meaning, 100)}\n"
    example = next(
        (path for path in sorted(EXAMPLES.glob(f"{rule.id}_*")) if _is_config(path)), None
    )
    if example is None:
        return text
    config, said = example.read_text(), example.with_name(example.name + ".txt").read_text()
    return f"{text}\n```{_FORMS[example.suffix]}\n{config}```\n\n```text\n{said}```\n"


def _is_config(path: Path) -> bool:
    return path.suffix in _FORMS


if __name__ == "__main__":
    PAGE.write_text(page())
