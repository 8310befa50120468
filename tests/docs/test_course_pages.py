"""What the course's pages tell a learner to type: each command does what it should."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tests.harness.short_training import train_lenet_shortly
from tools import cli
from tools.commands.train import main as train

COMMANDS = [
    (page.stem, command)
    for page in sorted((ROOT / "docs" / "course").glob("*.md"))
    for command in re.findall(r"^    ((?:demitasse|train) .*)$", page.read_text(), re.MULTILINE)
    if not command.startswith("demitasse course")  # tests/course runs them
]
WRONG = "demitasse gradcheck configs/course/04_wrong_derivative.yaml --allow-code"  # and is told so


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a clone after `demitasse course` has been there."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / "configs").symlink_to(ROOT / "configs")
    (folder / "course").mkdir()
    return folder


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_command(page: str, command: str, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    before = set((ROOT / "configs").rglob("*"))
    program, *words = shlex.split(command)
    if "lenet.yaml" in command and program == "train":
        train_lenet_shortly(clone)
    elif program == "train":
        short = [] if "05_descent" in command else ["--set", "solver.max_iter=2"]
        assert train([*words, *short]) == 0
    else:
        leave_logs(page, words)
        assert cli.main(words) == (1 if command == WRONG else 0)
    assert set((ROOT / "configs").rglob("*")) == before  # nothing is left among the configs


def leave_logs(page: str, words: list[str]) -> None:
    """Runs the trainings of the page whose logs a command draws: tests come in any order."""
    for log in [word for word in words if word.endswith("_log.jsonl") and not Path(word).exists()]:
        prefix = f"snapshot_prefix={log.removesuffix('_log.jsonl')}"
        (training,) = [line for stem, line in COMMANDS if stem == page and prefix in line]
        assert train(shlex.split(training)[1:]) == 0


def test_every_page_has_a_command() -> None:
    for page in (ROOT / "docs" / "course").glob("*.md"):
        number = int(page.stem[:2])
        assert f"    demitasse course {number}\n" in page.read_text()
