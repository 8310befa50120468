"""What docs/pictures.md says can be typed: every command and option in it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tests.harness.short_training import train_lenet_shortly
from tools import cli

PAGE = (ROOT / "docs" / "pictures.md").read_text()
COMMANDS = re.findall(r"^    (demitasse .*)$", PAGE, re.MULTILINE)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it is after a short training: the configs, and what the net has left."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "configs").symlink_to(ROOT / "configs")
    train_lenet_shortly(folder)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_command(
    command: str,
    trained: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(trained)
    assert cli.main(shlex.split(command)[1:]) == 0
    picture = Path(capsys.readouterr().out.splitlines()[-1])
    assert picture.stat().st_size > 1000
    picture.unlink()


def test_options_exist(capsys: pytest.CaptureFixture[str]) -> None:
    known = ""
    for name in (["draw"], *(["plot", kind] for kind in kinds(capsys))):
        with pytest.raises(SystemExit):
            cli.main([*name, "--help"])
        known += capsys.readouterr().out
    named = set(re.findall(r"`(--[a-z-]+)", PAGE))
    assert named and not {option for option in named if option not in known}


def test_every_picture_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in kinds(capsys):
        assert f"demitasse plot {kind}" in PAGE


def kinds(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The pictures that the plot command draws."""
    with pytest.raises(SystemExit):
        cli.main(["plot", "--help"])
    return re.findall(r"^    (\w+)", capsys.readouterr().out, re.MULTILINE)
