"""The course command: every topic is complete, runs, and leaves the pictures it names."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tools import cli
from tools.topics import TOPICS
from tools.topics.desk import CONFIGS

PAGES = ROOT / "docs" / "course"


@pytest.mark.parametrize("number", sorted(TOPICS))
def test_topic(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["course", str(number), "-o", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    pictures = re.findall(r"^Picture  (.*)$", out, re.M)
    assert pictures and all(Path(name).stat().st_size > 500 for name in pictures)
    page = re.search(r"^Page     (.*)$", out, re.M)
    assert page and Path(page.group(1)).is_file()


@pytest.mark.parametrize("number", sorted(TOPICS))
def test_page(number: int) -> None:
    name, _ = TOPICS[number]
    text = (PAGES / f"{number:02}_{name}.md").read_text()
    assert text.startswith(f"# {number}. ") and f"demitasse course {number}" in text
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (PAGES / link).exists(), link
    configs = {path.name for path in CONFIGS.glob(f"{number:02}_*.yaml")}
    assert configs and configs <= set(re.findall(r"`(\w+\.yaml)`", text))


def test_nothing_else_lies_there() -> None:
    known = {f"{number:02}_{name}.md" for number, (name, _) in TOPICS.items()}
    assert {path.name for path in PAGES.iterdir()} == known


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["course"]) == 0
    out = capsys.readouterr().out
    assert all(title in out for _, title in TOPICS.values())


def test_no_such_topic(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["course", "99"]) == 2
    assert "no topic 99" in capsys.readouterr().err


@pytest.mark.parametrize(("number", "last"), [(8, "own_layer_log.jsonl"), (10, "as W is")])
def test_without_matplotlib(
    number: int,
    last: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """All that can be said is said, then what is missing."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.main(["course", str(number), "-o", str(tmp_path)]) == 2
    text = capsys.readouterr()
    assert last in text.out and "Page     " in text.out and "Picture" not in text.out
    assert "pip install 'demitasse[plot]'" in text.err
