"""docs/layers.md says what the code says."""

from __future__ import annotations

import re
import sys

import pytest

from engine.schema import LayerParameter
from engine.spec import parse_net
from engine.spec.fields import fields_of
from tests.harness.places import ROOT
from tools.layer_pages.markdown import COMMAND, markdown_book, markdown_page
from tools.layer_pages.page import LayerPage, all_pages, declared_default, parse_docstring
from tools.layer_pages.text import WIDTH, text_list, text_page

PAGES = [page for page in all_pages() if page.is_ours]

# The layer itself decides what a field means that the config leaves out.
OWN_DEFAULTS = {
    ("DetectionOutput", "nms_param"),
    ("MultiHeadAttention", "num_output"),
    ("SigmoidCrossEntropyLoss", "normalization"),
}


def test_page_is_up_to_date() -> None:
    written = (ROOT / "docs" / "layers.md").read_text()
    assert written == markdown_book(PAGES), f"docs/layers.md is out of date: run `{COMMAND}`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.type)
def test_page(page: LayerPage) -> None:
    said = page.sections
    assert said["Summary"] and said["Formula"] and said["Shapes"] and said["Source"]
    assert not said["Parameters"].startswith("(") or page.parameters, "no field was recognised"
    assert parse_net(page.prototxt).param == parse_net(page.yaml, "net.yaml").param
    assert all(len(line) <= WIDTH for line in text_page(page).splitlines())
    assert not re.search(r"(?m)^([-+*>#]|\d+[.)]) ", re.sub(r"(?ms)^```.*?^```$", "", body(page)))
    assert (ROOT / page.file).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.type)
def test_defaults_are_those_of_the_schema(page: LayerPage) -> None:
    for message, parameters in page.parameters.items():
        descriptor = LayerParameter.DESCRIPTOR.fields_by_name[message].message_type
        known = fields_of(descriptor)
        for found in parameters:
            declared = declared_default(descriptor.fields_by_name[found.name], known[found.name])
            told = re.split(r"[ ,;:]", found.default)[0]
            is_value = re.fullmatch(r"-?[\d.e-]+|true|false|[A-Z_]+", told)
            if is_value and declared and (page.type, found.name) not in OWN_DEFAULTS:
                assert told == declared or float(told) == float(declared), found.name


def body(page: LayerPage) -> str:
    """The page as Markdown, less its heading."""
    return markdown_page(page).partition("\n")[2]


def test_list_fits_the_terminal() -> None:
    text = text_list(PAGES)
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert [page.type for page in PAGES if not re.search(rf"^  {page.type} ", text, re.M)] == []


def test_docstring_without_sections() -> None:
    said = parse_docstring("Does something.\n\nMore on it.\n\nFormula: y = x\n\nA note.")
    assert (said["Summary"], said["Formula"]) == ("Does something.", "y = x")
    assert said["Notes"] == "More on it.\n\nA note." and said["Shapes"] == ""


def test_every_layer_file_is_listed() -> None:
    listed = {sys.modules[page.cls.__module__].__file__ for page in PAGES}
    for file in (ROOT / "layers").rglob("*.py"):
        if "\n@register_layer(" in file.read_text():
            assert str(file) in listed
