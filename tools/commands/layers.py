"""demitasse layers: list the layer types, or tell all about one."""

from __future__ import annotations

import argparse
import difflib
import sys

from layers.errors import DemitasseError
from tools.completion.names import complete_type
from tools.console.json_text import add_json_option, json_text
from tools.layer_pages.markdown import markdown_book, markdown_page
from tools.layer_pages.page import LayerPage, all_pages
from tools.layer_pages.record import list_record, page_record
from tools.layer_pages.text import text_list, text_page


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options."""
    kind = parser.add_argument(
        "type", nargs="?", metavar="TYPE", help="a layer type, such as Convolution"
    )
    kind.completer = complete_type  # type: ignore[attr-defined]
    parser.add_argument("--source", action="store_true", help="print the code of that type")
    parser.add_argument("--markdown", action="store_true", help="print the page of docs/layers.md")
    add_json_option(parser, "the list or the page")


def run(arguments: argparse.Namespace) -> int:
    """Prints the list or the page.

    Raises:
        DemitasseError: there is no such type.
    """
    pages = all_pages()
    if arguments.type is None and arguments.source:
        raise DemitasseError("--source needs a layer type", hint="demitasse layers ReLU --source")
    if arguments.source + arguments.markdown + arguments.json > 1:
        raise DemitasseError("--source, --markdown and --json exclude each other")
    if arguments.json:
        every = [list_record(page) for page in pages]
        one = page_record(_find(arguments.type, pages)) if arguments.type else None
        sys.stdout.write(json_text(one or every))
        return 0
    if arguments.type is None:
        ours = [page for page in pages if page.is_ours]
        text = markdown_book(ours) if arguments.markdown else text_list(pages)
    else:
        page = _find(arguments.type, pages)
        show = markdown_page if arguments.markdown else text_page
        text = page.source_code if arguments.source else show(page)
    sys.stdout.write(text)
    return 0


def _find(name: str, pages: list[LayerPage]) -> LayerPage:
    """The page of a type, letter case set aside."""
    by_lower = {page.type.lower(): page for page in pages}
    if name.lower() in by_lower:
        return by_lower[name.lower()]
    near = difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    near += [lower for lower in by_lower if name.lower() in lower and lower not in near]
    meant = " or ".join(by_lower[lower].type for lower in near[:5])
    hint = "`demitasse layers` lists all types"
    raise DemitasseError(
        f'there is no layer type "{name}"', hint=f"did you mean {meant}? {hint}" if meant else hint
    )
