"""The plot command's activations: exact maps of a sample, in the order they are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TEST, Net
from engine.spec import parse_net
from tests.harness.places import ROOT
from tools import cli
from tools.plotting.activations import (
    activations,
    activations_figure,
    run_image,
    run_record,
    tiled,
)

TINY = str(ROOT / "configs" / "mnist" / "tiny.yaml")
# Two images of 3x3; an edge filter and its negative, rectified in place; their sums.
ROWS = "0,0,1,0,0,1,0,0,1,0\n1,2,3,4,5,6,7,8,9,1\n"
NET = """
layer:
  - name: rows
    type: CSVData
    top: [image, label]
    csv_data_param: {source: rows.csv, batch_size: 2, label_column: "-1", shape: {dim: [1, 3, 3]}}
  - name: edges
    type: Convolution
    bottom: image
    convolution_param: {num_output: 2, kernel_h: 1, kernel_w: 2, bias_term: false}
    blobs: [{shape: {dim: [2, 1, 1, 2]}, data: [-1, 1, 1, -1]}]
  - {name: relu, type: ReLU, top: edges}
  - {name: sums, type: Reduction, reduction_param: {axis: 2}}
  - {name: total, type: Reduction, reduction_param: {axis: 1}}
"""
IMAGE = NET.replace(NET[: NET.index("  - name: edges")], """
layer:
  - {name: image, type: Input, input_param: {shape: {dim: [2, 1, 3, 3]}}}
""")  # fmt: skip


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text(ROWS)
    Path("net.yaml").write_text(NET)
    return tmp_path


def net(text: str = NET) -> Net:
    return Net(parse_net(text), phase=TEST)


def test_each_layer_of_a_record() -> None:
    one = net()
    run_record(one, 0)
    found = activations(one)
    assert [(each.blob, each.layers) for each in found] == [
        ("image", ["rows"]), ("edges", ["edges", "relu"]), ("sums", ["sums"]),
    ]  # fmt: skip
    assert found[0].values.tolist() == [[[0, 0, 1]] * 3]
    assert found[1].values.tolist() == [[[0, 1]] * 3, [[0, 0]] * 3]
    assert found[2].values.tolist() == [3, 0]
    run_record(one, 1)
    assert activations(one, ["sums"])[0].values.tolist() == [6, 0]


def test_image(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2")
    pixels = np.array([[10, 10, 20], [10, 30, 30], [10, 10, 10]], np.uint8)
    cv2.imwrite("image.png", pixels)
    one = net(IMAGE)
    run_image(one, Path("image.png"), [10], 0.5)
    image, edges, sums = activations(one)
    assert image.values.tolist() == ((pixels.astype(float) - 10) / 2)[None].tolist()
    assert edges.values.tolist() == [[[0, 5], [10, 0], [0, 0]], [[0, 0]] * 3]
    assert sums.values.tolist() == [15, 0]


def test_maps_stand_side_by_side() -> None:
    maps = np.arange(12.0).reshape(3, 2, 2)
    nan = np.nan
    np.testing.assert_array_equal(
        tiled(maps, 2), [[0, 1, nan, 4, 5], [2, 3, nan, 6, 7], [nan] * 5, [8, 9, nan, nan, nan],
                         [10, 11, nan, nan, nan]],
    )  # fmt: skip


def test_picture_names_blobs_and_shapes() -> None:
    one = net()
    run_record(one)
    titles = [axes.get_title(loc="left") for axes in activations_figure(activations(one), 1).axes]
    assert [title for title in titles if title] == [
        "image (1x3x3) by rows", "edges (2x3x2) by edges, relu, the first 1 shown", "sums (2)",
    ]  # fmt: skip


def test_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plot", "activations", TINY, "--record", "7", "-o", "seven.svg"]) == 0
    assert capsys.readouterr().out == "seven.svg\n"
    assert Path("seven.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["net.yaml", "--record", "2"], "expected: 0 to 1"),
        (["net.yaml", "--blob", "edge"], 'did you mean "edges"'),
        (["net.yaml", "--image", "rows.csv"], "no input for an image"),
        (["image.yaml"], "--image FILE"),
        (["image.yaml", "--image", "missing.png"], "cannot be read"),
        (["image.yaml", "--image", "rows.csv", "--mean", "1", "2"], "a mean for each channel"),
    ],
)
def test_refused(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("image.yaml").write_text(IMAGE)
    assert cli.main(["plot", "activations", *arguments]) == 2
    assert words in capsys.readouterr().err
