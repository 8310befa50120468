"""docs/own_layers.md: every file it shows is written to a folder and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.harness.places import ROOT

LENET = ROOT / "configs" / "mnist" / "lenet.yaml"
WITH_IT = ["--set", "net.layer.relu1.type=Squareplus"]
QUICK = ["--set", "solver.max_iter=2", "--set", "solver.snapshot_prefix=x"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the page, and the configs that it mentions."""
    page = (ROOT / "docs" / "own_layers.md").read_text()
    for name, text in re.findall(r"```\w+\n# (\S+)\n(.*?)```", page, re.S):
        (tmp_path / name).write_text(text)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    return tmp_path


def run(folder: Path, *arguments: str, path: str = "") -> str:
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(ROOT), path]))
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_layer_has_ten_lines(folder: Path) -> None:
    code = (folder / "squareplus.py").read_text()
    layer = code[code.index("@register_layer") :]
    assert len([line for line in layer.splitlines() if line]) <= 10


def test_gradient(folder: Path) -> None:
    page = (ROOT / "docs" / "own_layers.md").read_text()
    shown = re.search(r"```\n(layer  by.*?)```", page, re.S)
    told = run(folder, "check.py")
    assert shown and without_round_off(told).startswith(without_round_off(shown.group(1)))
    layer = folder / "squareplus.py"
    layer.write_text(layer.read_text().replace("(y2 + 1)", "(y2 + 2)"))
    with pytest.raises(AssertionError):
        run(folder, "check.py")


def without_round_off(text: str) -> str:
    """The output of gradcheck without what differs from one machine to another."""
    text = re.sub(r"\d+,\d+ .*e-\d\d", "", text)
    return re.sub(r" +", " ", text)


def test_training(folder: Path) -> None:
    out = run(folder, "train.py")
    assert float(out.split()[-1]) < 2.3  # below the loss of guessing, log 10


def test_package(folder: Path, tmp_path: Path) -> None:
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["demitasse.layers"]
    site = folder / "site"
    info = site / "demitasse_squareplus-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "squareplus.py").rename(site / "squareplus.py")
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (info / "entry_points.txt").write_text("[demitasse.layers]\n" + "".join(lines))
    told = run(folder, "-m", "tools.cli", "layers", "Squareplus", path=str(site))
    assert "A smooth ReLU." in told
    train = ["-m", "tools.commands.train", "--config", str(LENET), *WITH_IT, *QUICK]
    assert "Snapshot written" in run(folder, *train, path=str(site))
