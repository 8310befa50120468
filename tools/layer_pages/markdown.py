"""The pages on layers as Markdown: docs/layers.md."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from tools.layer_pages.page import LayerPage, group_title
from tools.layer_pages.text import paragraphs, parameter_notes

COMMAND = "demitasse layers --markdown > docs/layers.md"
_WIDTH = 100
_PREFACE = f"""# The layers

Each type with its formula, derivative, shapes and parameters, as the code itself states them.
`demitasse layers TYPE` shows one type in the terminal, and with `--source` its code. How to add a
layer: [own_layers.md](own_layers.md).

This page is generated; a test compares it with the code. To write it anew:

```sh
{COMMAND}
```
"""


def markdown_book(pages: Iterable[LayerPage]) -> str:
    """All pages, after a table of contents."""
    groups = [list(members) for _, members in groupby(pages, key=lambda page: page.group)]
    parts = [_preface(groups)]
    for group in groups:
        parts += [f"## {group_title(group[0])}\n", *map(markdown_page, group)]
    return "\n".join(parts)


def markdown_page(page: LayerPage) -> str:
    """All there is to say of one layer type."""
    return "\n".join(_page(page))


def _preface(groups: list[list[LayerPage]]) -> str:
    lines = [_PREFACE]
    for group in groups:
        lines += [f"**{group_title(group[0])}**", "", "| type | |", "|---|---|"]
        lines += [f"| {_link(page)} | {_line(page)} |" for page in group]
        lines.append("")
    return "\n".join(lines)


def _page(page: LayerPage) -> Iterator[str]:
    said = page.sections
    yield f"### {page.type}\n"
    yield _prose(said["Summary"])
    yield "```text"
    for heading in ("Formula", "Derivative"):
        for number, line in enumerate(said[heading].splitlines()):
            label = f"{heading}:" if number == 0 else ""
            yield f"{label:12}{line}"
    yield "```\n"
    if said["Notes"]:
        yield _prose(said["Notes"])
    if said["Shapes"]:
        yield _prose(f"**Shapes:** {said['Shapes']}")
    yield from _parameters(page)
    yield f"```prototxt\n{page.prototxt}```\n"
    yield f"```yaml\n{page.yaml}```\n"
    source = f"**Source:** {said['Source']} " if said["Source"] else ""
    yield _prose(f"{source}**File:** [{page.file}](../{page.file})")


def _parameters(page: LayerPage) -> Iterator[str]:
    for message, fields in page.parameters.items():
        yield f"| {message} | type | default |\n|---|---|---|"
        for field in fields:
            is_value = field.default and " " not in field.default
            default = _code(field.default) if is_value else _escaped(field.default)
            yield f"| {_code(field.name)} | {_escaped(field.type)} | {default} |"
        yield ""
    yield _prose(f"**Parameters:** {parameter_notes(page) or 'none.'}")


def _prose(text: str) -> str:
    """Filled paragraphs in which no line looks like the item of a list."""
    return re.sub(r"(?m)^([-+*>#])(?= )", r"\\\1", paragraphs(text, _WIDTH)) + "\n"


def _line(page: LayerPage) -> str:
    return _code(page.line) if " = " in page.line else _escaped(page.line)


def _link(page: LayerPage) -> str:
    return f"[{page.type}](#{page.type.lower()})"


def _code(text: str) -> str:
    return f"`{_escaped(text)}`"


def _escaped(text: str) -> str:
    """For the cell of a table, where a bar would end it, even in code."""
    return text.replace("|", "\\|")
