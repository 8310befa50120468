"""The console scripts that the package declares."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint, version

import pytest

from tests.harness.places import ROOT
from tools import start

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_run_their_command(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = EntryPoint(name, SCRIPTS[name], "console_scripts").load()
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == 0 and capsys.readouterr().out.startswith(f"usage: {name} ")


def test_the_version_is_that_of_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["demitasse", "--version"])
    with pytest.raises(SystemExit):
        start.demitasse()
    assert capsys.readouterr().out == f"demitasse {version('demitasse')}\n"


@pytest.mark.parametrize("script", [start.demitasse, start.train])
def test_an_interrupt_while_modules_are_imported(
    script: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(module: str) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(start, "import_module", interrupted)
    assert callable(script) and script() == 130
    assert capsys.readouterr().err == "interrupted\n"
