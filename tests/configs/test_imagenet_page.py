"""The table of configs/imagenet/README.md says of each net what its config comes to."""

from __future__ import annotations

import re

import pytest

import engine
from engine import Net
from engine.check import check_config
from engine.spec import read_solver
from tests.harness.places import ROOT
from tools.checking.summary import as_data

FOLDER = ROOT / "configs" / "imagenet"
PAGE = (FOLDER / "README.md").read_text()
ROWS = re.findall(
    r"^\| \[(\w+\.yaml)\]\(\1\) \| .* \| ([\d.]+) M \| ([\d.]+) G \| (\d+) \| ([\d,]+) \|$",
    PAGE, re.MULTILINE,
)  # fmt: skip


def test_every_net_has_a_row() -> None:
    assert {row[0] for row in ROWS} == {path.name for path in FOLDER.glob("*.yaml")} - {"data.yaml"}


@pytest.mark.parametrize(("name", "millions", "giga", "images", "iterations"), ROWS)
def test_figures(name: str, millions: str, giga: str, images: str, iterations: str) -> None:
    trained = as_data(check_config(FOLDER / name, stages=["deploy"]))["nets"][0]
    assert trained["state"].startswith("TRAIN") and trained["complete"]
    layers = trained["layers"]
    batch = layers[0]["tops"]["data"][0]
    assert f"{sum(layer['parameters'] for layer in layers) / 1e6:.2f}" == millions
    assert f"{sum(layer['multiply_adds'] for layer in layers) / batch / 1e9:.2f}" == giga
    solver = read_solver(FOLDER / name).param
    assert batch * solver.iter_size == int(images) and f"{solver.max_iter:,}" == iterations


def test_the_stage_for_deployment() -> None:
    (call,) = re.findall(r"`(engine\.Net\(.*?\))`", PAGE)
    path = str(FOLDER / "mobilenet.yaml")  # the smallest of them
    net = eval(call.replace('"configs/imagenet/resnet50.yaml"', repr(path)), {"engine": engine})
    assert isinstance(net, Net) and net.inputs == ["data", "label"]
