"""docs/config.md: every example is read, and comes to what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine import Net
from engine.spec import parse_net, read_net, read_solver
from tests.harness.places import ROOT
from tools import cli

PAGE = (ROOT / "docs" / "config.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)


def block(language: str) -> str:
    return next(text for kind, text in BLOCKS if kind == language)


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATA", raising=False)
    for kind, text in BLOCKS:
        if kind == "yaml":
            name = text.splitlines()[0].removeprefix("# ")
            Path(name).write_text(text)


def test_variables() -> None:
    assert read_net("variables.yaml").param == parse_net(block("prototxt")).param


def test_blocks() -> None:
    rows = re.findall(r"^\| (\S+) \| (\w+) \| ?(.*?) \| (\S+) \|$", PAGE, re.MULTILINE)
    layers = read_net("blocks.yaml").param.layer
    made = [(x.name, x.type, " ".join(x.bottom), " ".join(x.top)) for x in layers]
    assert made == rows[1:]


def test_includes() -> None:
    spec = read_solver("main.yaml")
    assert spec.net is not None
    assert (round(spec.param.base_lr, 6), spec.param.max_iter) == (0.05, 160)
    assert [x.name for x in spec.net.param.layer] == ["data", "score"]
    assert list(spec.net.param.layer[0].input_param.shape[0].dim) == [16, 100]


def test_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "mistake.yaml"]) == 2
    assert capsys.readouterr().err == block("text")


def test_given_parameters() -> None:
    net = Net("given.yaml")
    assert net.forward(point=np.array([[1, 1]]))["distance"].item() == 1.5


def test_python() -> None:
    names: dict[str, object] = {}
    exec(compile(block("python"), "config.md", "exec"), names)
    assert names["net"].blobs["pool1"].data.shape == (1, 20, 14, 14)  # type: ignore[attr-defined]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
