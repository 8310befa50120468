"""The pages on layers as text for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from tools.layer_pages.page import LayerPage, Parameter, group_title

WIDTH = 100
_LABEL = 12  # the width of the column of headings, as in the docstrings


def text_list(pages: Iterable[LayerPage]) -> str:
    """Every layer type in one line, folder by folder."""
    lines: list[str] = []
    for group, members in groupby(pages, key=lambda page: page.group):
        found = list(members)
        lines += [f"{group}: {group_title(found[0])}", ""]
        column = max(len(page.type) for page in found) + 4
        for page in found:
            lines += _hanging(page.type, page.line, column, indent=2)
        lines.append("")
    lines.append("`demitasse layers TYPE` tells more of one; with --source it prints its code.")
    return "\n".join(lines) + "\n"


def text_page(page: LayerPage) -> str:
    """All there is to say of one layer type."""
    said = page.sections
    lines = [paragraphs(f"{page.type}: {said['Summary']}", WIDTH), ""]
    for heading in ("Formula", "Derivative"):
        if said[heading]:
            lines += _block(heading, said[heading])
    for heading in ("Notes", "Shapes"):
        if said[heading]:
            lines += ["", *_block(heading, paragraphs(said[heading], WIDTH - _LABEL))]
    lines += ["", *_block("Parameters", "\n".join(_parameters(page)))]
    lines += ["", *_block("prototxt", page.prototxt), "", *_block("YAML", page.yaml)]
    if said["Source"]:
        lines += ["", *_block("Source", paragraphs(said["Source"], WIDTH - _LABEL))]
    lines += _block("File", _path(page))
    return "\n".join(lines) + "\n"


def paragraphs(text: str, width: int) -> str:
    """Prose, filled anew to a width."""
    parts = (" ".join(part.split()) for part in text.split("\n\n"))
    return "\n\n".join(textwrap.fill(part, width, break_long_words=False) for part in parts)


def parameter_notes(page: LayerPage) -> str:
    """What the docstring says of the parameters, without the name that heads the table."""
    text = " ".join(page.sections["Parameters"].split())
    for message in page.parameters:
        text = text.removeprefix(f"({message}): ")
    return text if text != "none." else ""


def _parameters(page: LayerPage) -> Iterator[str]:
    for message, fields in page.parameters.items():
        yield message
        yield from _table(fields)
        yield ""
    yield paragraphs(parameter_notes(page) or "none", WIDTH - _LABEL)


def _table(fields: list[Parameter]) -> Iterator[str]:
    rows = [(field.name, field.type, field.default or "-") for field in fields]
    rows.insert(0, ("", "type", "default"))
    first, second = (max(len(row[i]) for row in rows) + 3 for i in (0, 1))
    for name, kind, default in rows:
        yield from _hanging(f"{name:{first}}{kind}", default, first + second, 2, WIDTH - _LABEL)


def _path(page: LayerPage) -> str:
    """The file as a path that can be opened from here."""
    file = Path(page.path)
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def _block(heading: str, body: str) -> list[str]:
    """A body of lines, the heading to the left of the first."""
    lines = body.rstrip("\n").split("\n")
    return [
        f"{label:{_LABEL}}{line}".rstrip()
        for label, line in zip([heading, *[""] * (len(lines) - 1)], lines, strict=True)
    ]


def _hanging(label: str, text: str, column: int, indent: int, width: int = WIDTH) -> list[str]:
    """Text filled to the right of its label."""
    blank = " " * (indent + column)
    head = " " * indent + f"{label:{column}}"
    return textwrap.wrap(text, width, initial_indent=head, subsequent_indent=blank)
