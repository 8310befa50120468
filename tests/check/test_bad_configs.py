"""Each bad config gets exactly the message beside it, and docs/errors.md tells of every id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.check import RULES
from tests.harness.bad_configs import bad_configs, expected, messages
from tests.harness.places import ROOT
from tools.upkeep import errors_page

CONFIGS = bad_configs()


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.name)
def test_message(config: Path) -> None:
    said, code = messages(config)
    assert said == expected(config).read_text()
    id = config.name[:5]
    assert f"[{id}]" in said
    assert code == (2 if RULES[id].severity == "error" or "error: " in said else 0)


def test_every_message_has_an_id() -> None:
    for config in CONFIGS:
        for line in re.findall("^(?:error|warning): .*$", expected(config).read_text(), re.M):
            assert re.search(r"\[DM\d{3}\]$", line), line


def test_there_are_many() -> None:
    assert len(CONFIGS) >= 60


def test_every_id_has_an_example() -> None:
    assert {config.name[:5] for config in CONFIGS} == set(RULES)


def test_the_ids_in_the_code_are_those_explained() -> None:
    used = set()
    for package in ("engine", "layers", "tools"):
        for path in (ROOT / package).rglob("*.py"):
            used |= set(re.findall(r'"(DM\d{3})"', path.read_text()))
    assert used == set(RULES)


def test_page_is_up_to_date() -> None:
    assert errors_page.PAGE.read_text() == errors_page.page(), "python -m tools.upkeep.errors_page"


def test_links_of_the_page() -> None:
    page = errors_page.PAGE.read_text()
    headings = re.findall(r"^## (.*)$", page, re.M)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", page)) == anchors
