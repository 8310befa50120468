"""The plot command: right regions, right curves, and files where it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import Net
from engine.spec import parse_net
from tests.harness.places import ROOT
from tools import cli
from tools.plotting.decision import classify, decision_figure, evaluate
from tools.plotting.filters import filter_images, filters_figure
from tools.plotting.run_panels import runs_figure
from tools.plotting.runs import read_run, read_runs

TINY = str(ROOT / "configs" / "mnist" / "tiny.yaml")
HALF = """
layer:
  - {name: x, type: Input, input_param: {shape: {dim: [1, 2]}}}
  - name: y
    type: InnerProduct
    inner_product_param: {num_output: 1}
    blobs: [{shape: {dim: [1, 2]}, data: [1, 0]}, {shape: {dim: 1}, data: [0]}]
  - {name: step, type: Threshold}
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def log(name: str, *entries: object) -> Path:
    path = Path(f"{name}_log.jsonl")
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def shown(iteration: int, loss: float | None) -> dict[str, object]:
    values = {"loss": loss, "smoothed_loss": loss, "lr": 0.1}
    return {"event": "display", "iteration": iteration} | values


def test_half_plane() -> None:
    net = Net(parse_net(HALF))
    points = np.array([[0.1, -5], [-0.1, 5], [2, 2]])
    assert classify(net, points).tolist() == [1, 0, 1]
    np.testing.assert_allclose(evaluate(net, points, "y")[:, 0], points[:, 0], rtol=1e-6)


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_decision(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("half.yaml").write_text(HALF)
    assert cli.main(["plot", "decision", "half.yaml", "-o", f"half.{form}"]) == 0
    assert capsys.readouterr().out == f"half.{form}\n"
    assert Path(f"half.{form}").stat().st_size > 1000


def test_decision_shows_the_points_of_all_classes() -> None:
    """The picture reaches from the least to the greatest coordinate, and names each class."""
    Path("points.csv").write_text("1,4,0\n3,5,1\n6,2,1\n")
    Path("points.yaml").write_text(
        HALF.replace(
            "{name: x, type: Input, input_param: {shape: {dim: [1, 2]}}}",
            "{name: x, type: CSVData, top: [x, label], csv_data_param: "
            '{source: points.csv, label_column: "2", batch_size: 3}}',
        ).replace("type: InnerProduct", "type: InnerProduct\n    bottom: x")
    )
    figure = decision_figure(Net("points.yaml"), "step")
    axes = figure.axes[0]
    assert axes.get_xlim() == axes.get_ylim() == pytest.approx((0.6, 6.4))
    shown = [scatter.get_offsets().tolist() for scatter in axes.collections if scatter.get_paths()]
    assert [[1, 4]] in shown and [[3, 5], [6, 2]] in shown
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == ["class 0", "class 1"]


def test_decision_needs_two_inputs(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", "decision", TINY]) == 2
    assert "two inputs" in capsys.readouterr().err


def test_filters() -> None:
    assert cli.main(["plot", "filters", TINY, "--most", "6"]) == 0
    assert Path("filters.png").exists()
    hidden = next(node for node in Net(TINY).nodes if node.layer.name == "hidden")
    images = filter_images(hidden)
    assert images.shape == (100, 28, 28)
    title = filters_figure(Net(TINY), most=6).get_suptitle()
    assert title == "hidden: 6 of 100 images, 28 x 28"
    np.testing.assert_array_equal(images[3].reshape(-1), hidden.layer.blobs[0].data[3])


def test_filters_of_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", "filters", TINY, "--layer", "score"]) == 2
    assert "make no images" in capsys.readouterr().err


def test_run() -> None:
    log("one", shown(0, 2.0), shown(10, 1.0), {"event": "test", "iteration": 10, "net": 0,
        "scores": {"accuracy": 0.9, "loss": 1.1}})  # fmt: skip
    log("two", shown(0, 2.5), shown(10, None))
    assert cli.main(["plot", "run", ".", "-o", "both.svg"]) == 0
    text = Path("both.svg").read_text()
    assert text.startswith("<?xml")
    panels = [axes.get_ylabel() for axes in runs_figure(read_runs(["."])).axes]
    assert panels == ["training loss", "test accuracy", "test loss", "learning rate"]


def test_what_a_resumed_run_did_again_replaces_what_was() -> None:
    path = log(
        "run", shown(0, 3), shown(10, 2), shown(20, 9),
        {"event": "run", "iteration": 15, "resumed_from": "x"}, shown(30, 1),
    )  # fmt: skip
    with path.open("a") as file:
        file.write('{"event": "disp')
    assert read_run(path, "run").loss == {0: 3, 10: 2, 30: 1}


def test_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", "run", "."]) == 2
    assert "no log of a run here" in capsys.readouterr().err
    log("empty", {"event": "run", "iteration": 0})
    assert cli.main(["plot", "run", "empty_log.jsonl"]) == 2
    assert "nothing was displayed" in capsys.readouterr().err


def test_without_matplotlib(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    Path("half.yaml").write_text(HALF)
    assert cli.main(["plot", "decision", "half.yaml"]) == 2
    assert "pip install 'demitasse[plot]'" in capsys.readouterr().err


@pytest.mark.parametrize("limits", [("nan", "1"), ("0", "inf"), ("x", "1")])
def test_range_of_numbers(limits: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    Path("half.yaml").write_text(HALF)
    with pytest.raises(SystemExit):
        cli.main(["plot", "decision", "half.yaml", "--range", *limits])
    assert "is no finite number" in capsys.readouterr().err


def test_range_from_low_to_high(capsys: pytest.CaptureFixture[str]) -> None:
    Path("half.yaml").write_text(HALF)
    assert cli.main(["plot", "decision", "half.yaml", "--range", "3", "-1"]) == 2
    assert "LOW below HIGH" in capsys.readouterr().err


def test_scores_that_are_none() -> None:
    path = log("odd", shown(0, 1), {"event": "test", "iteration": 0, "scores": 3})
    assert read_run(path, "odd").scores == {}
