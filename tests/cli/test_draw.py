"""The draw command: what the pictures say, and that nothing lies on top of anything else."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from engine import DemitasseError, Net
from engine.spec import parse_net, read_net
from tests.harness.places import ROOT
from tools import cli
from tools.commands.draw import flow
from tools.drawing.graph import net_graph
from tools.drawing.labels import extent, overlap, sampled
from tools.drawing.layout import Layout, lay_out
from tools.drawing.shapes import Curve, Rectangle, Text
from tools.drawing.sheet import draw
from tools.drawing.values import local_gradients

LENET = str(ROOT / "configs" / "mnist" / "lenet.yaml")
PRODUCT = """
layer:
  - {name: x, type: DummyData, dummy_data_param: {shape: {dim: 1}, data_filler: {value: 3}}}
  - {name: y, type: DummyData, dummy_data_param: {shape: {dim: 1}, data_filler: {value: -2}}}
  - {name: f, type: Eltwise, bottom: [x, y], eltwise_param: {operation: PROD}}
"""
SHARED = """
layer:
  - {name: x, type: Input, input_param: {shape: {dim: [2, 3]}}}
  - {name: one, type: InnerProduct, param: [{name: w}],
     inner_product_param: {num_output: 3, bias_term: false}}
  - {name: two, type: InnerProduct, param: [{name: w}],
     inner_product_param: {num_output: 3, bias_term: false}}
  - {name: sum, type: Eltwise, bottom: [one, two]}
"""


def words(file: Path) -> list[str]:
    """The texts in an SVG file."""
    root = ElementTree.fromstring(file.read_text())
    return [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("how", [["--layout", "own"], ["--layout", "dot"]])
def test_net(how: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if "dot" in how and shutil.which("dot") is None:
        pytest.skip("graphviz is not installed")
    assert cli.main(["draw", LENET, *how]) == 0
    assert capsys.readouterr().out == "lenet.svg\n"
    text = [line.strip() for line in words(Path("lenet.svg"))]
    for line in (
        "LeNet, TRAIN: 9 layers, 431,080 parameters",
        "conv1",
        "Convolution 5x5",
        "520 parameters",
        "64x20x24x24",
        "relu1: ReLU",
        "Pooling MAX 2x2, stride 2",
        "with label 64",
    ):
        assert line in text


def test_without_graphviz(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.drawing.dot.available", lambda: False)
    assert cli.main(["draw", LENET, "--phase", "test", "-o", "test.svg"]) == 0
    assert "Accuracy" in words(Path("test.svg"))


def test_png() -> None:
    assert cli.main(["draw", LENET, "--layout", "own", "-o", "net.png"]) == 0
    assert Path("net.png").read_bytes().startswith(b"\x89PNG")


def test_values() -> None:
    Path("product.yaml").write_text(PRODUCT)
    assert cli.main(["draw", "product.yaml", "--values"]) == 0
    text = words(Path("product.svg"))
    minus, times = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
    assert f"d/dx: {minus}2 {times} 1 = {minus}2" in text and f"d/dy: 3 {times} 1 = 3" in text
    assert f"{minus}6" in text


def test_values_around_in_place_layers() -> None:
    after = """
  - {name: square, type: Power, top: f, power_param: {power: 2}}
  - {name: half, type: Power, top: f, power_param: {scale: 0.5}}
  - {name: end, type: Power, power_param: {shift: 1}}
"""
    Path("in_place.yaml").write_text(PRODUCT + after)
    assert cli.main(["draw", "in_place.yaml", "--values"]) == 0
    text = words(Path("in_place.svg"))
    minus, times = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
    assert f"d/df: {minus}12 {times} 0.5 = {minus}6" in text  # 2 f, f = -6
    assert f"d/dsquare: 0.5 {times} 1 = 0.5" in text
    assert f"d/dx: {minus}2 {times} ({minus}6) = 12" in text
    assert {f"{minus}6", "36", "18", "19"} <= set(text)


def test_values_need_tops_of_their_own() -> None:
    net = Net(parse_net(PRODUCT + "  - {name: r, type: ReLU, top: f}\n"))
    with pytest.raises(DemitasseError, match='layer "r" works in place'):
        flow(net)


def test_drawing_changes_no_gradient() -> None:
    net = Net(parse_net("force_backward: true\n" + PRODUCT), dtype=np.float64)
    flow(net)
    before = {name: blob.diff.copy() for name, blob in net.blobs.items()}
    assert local_gradients(net.nodes[-1]) == [-2, 3]
    for name, blob in net.blobs.items():
        np.testing.assert_array_equal(blob.diff, before[name])


@pytest.mark.parametrize("how", ["own", "dot"])
def test_shared_parameters(how: str) -> None:
    if how == "dot" and shutil.which("dot") is None:
        pytest.skip("graphviz is not installed")
    Path("shared.yaml").write_text(SHARED)
    assert cli.main(["draw", "shared.yaml", "--layout", how]) == 0
    text = words(Path("shared.svg"))
    assert "9 parameters, shared with two" in text and "shares parameters of one" in text
    assert Path("shared.svg").read_text().count("stroke-dasharray") == 2  # the borders of both


def test_parameters_shared_by_three() -> None:
    third = """
  - {name: three, type: InnerProduct, bottom: x, param: [{name: w}],
     inner_product_param: {num_output: 3, bias_term: false}}
"""
    graph = net_graph(Net(parse_net(SHARED + third)))
    assert "9 parameters, shared with 2 layers" in graph.boxes[1].lines
    assert [box.shared for box in graph.boxes] == [False, True, True, False, True]


def test_losses_say_their_weight() -> None:
    text = SHARED + "  - {name: size, type: Reduction, loss_weight: 0.5}\n"
    box = net_graph(Net(parse_net(text))).boxes[-1]
    assert (box.lines[1], box.kind) == ("Reduction SUM, loss weight 0.5", "loss")


def test_without_the_data() -> None:
    mnist = """
layer:
  - {name: mnist, type: Data, top: [data, label], data_param: {source: none, batch_size: 9}}
  - {name: score, type: InnerProduct, bottom: data, inner_product_param: {num_output: 10}}
  - {name: loss, type: SoftmaxWithLoss, bottom: [score, label]}
"""
    Path("net.yaml").write_text(mnist)
    assert cli.main(["draw", "net.yaml"]) == 2
    assert cli.main(["draw", "net.yaml", "--input-shape", "5x1x4x4", "--layout", "own"]) == 0
    assert {"data 5x1x4x4", "170 parameters", "with label 5"} <= set(words(Path("net.svg")))


def test_nothing_to_draw(capsys: pytest.CaptureFixture[str]) -> None:
    Path("net.yaml").write_text("name: nothing\n")
    assert cli.main(["draw", "net.yaml", "--layout", "own"]) == 2
    assert "nothing to draw" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["googlenet", "resnet50"])
@pytest.mark.parametrize("sideways", [False, True])
def test_nothing_overlaps(name: str, sideways: bool) -> None:
    settings = ["vars.batch=1", "vars.crop=224"]
    config = ROOT / "configs" / "imagenet" / f"{name}.yaml"
    net = Net(config, phase=1, stages=["deploy"], overrides=settings)
    layout = lay_out(net_graph(net), sideways)
    for one, other in itertools.combinations([s for s in layout.spots if s.box is not None], 2):
        beside = abs(one.x - other.x) >= (one.width + other.width) / 2
        assert beside or abs(one.y - other.y) >= (one.height + other.height) / 2
    assert_arrows_lead_on(layout)


def assert_arrows_lead_on(layout: Layout) -> None:
    for number in range(len(layout.paths)):
        along = [point[0 if layout.sideways else 1] for point in layout.points(number)]
        assert along == sorted(along)


def test_wrong_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", LENET, "-o", "net.gif"]) == 2
    assert "svg or png" in capsys.readouterr().err


def test_values_above_a_layer_without_derivative(capsys: pytest.CaptureFixture[str]) -> None:
    step = """
  - {name: step, type: Threshold, bottom: f}
  - {name: twice, type: Power, power_param: {scale: 2}}
"""
    Path("step.yaml").write_text(PRODUCT + step)
    assert cli.main(["draw", "step.yaml", "--values"]) == 0
    assert 'layer "step" (Threshold) has no derivative' in capsys.readouterr().err
    text = words(Path("step.svg"))
    assert f"d/dstep: 2 {chr(215)} 1 = 2" in text
    assert not [line for line in text if line.startswith(("d/dx", "d/df"))]


def test_values_of_a_net_that_is_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", LENET, "--values", "--phase", "TEST", "-o", "test.svg"]) == 0
    assert capsys.readouterr().err == ""  # what Accuracy reads is no way to the loss


@pytest.mark.parametrize(
    ("setting", "gate"),
    [
        ("{}", "e: exp"),
        ("{base: 2}", "e: 2^x"),
        ("{scale: -1, shift: 1}", "e: exp(\N{MINUS SIGN}x + 1)"),
    ],
)
def test_gates_say_their_function(setting: str, gate: str) -> None:
    line = f"  - {{name: e, type: Exp, bottom: f, exp_param: {setting}}}\n"
    net = Net(parse_net(PRODUCT + line), dtype=np.float64)
    net.forward()
    assert net_graph(net, values=True).boxes[3].lines[0] == gate


def test_missing_data_can_be_done_without(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["draw", str(ROOT / "configs" / "imagenet" / "resnet18.yaml")]) == 2
    assert "hint: --input-shape NxCxHxW" in capsys.readouterr().err


def labelled(name: str, sideways: bool) -> tuple[list[Rectangle], list[Text], np.ndarray]:
    """The boxes of a picture, the texts at its arrows, and points along them."""
    values = name.startswith("course")
    settings = [] if values else ["vars.batch=1", "vars.crop=224"]
    spec = read_net(ROOT / "configs" / f"{name}.yaml", settings)
    spec.param.force_backward = values
    stages = [] if values else ["deploy"]
    net = Net(spec, phase=0 if values else 1, stages=stages, dtype=np.float64)
    if values:
        flow(net)
    graph = net_graph(net, values)
    shapes = draw(graph, lay_out(graph, sideways)).shapes
    curves = [shape for shape in shapes if isinstance(shape, Curve)]
    return (
        [shape for shape in shapes if isinstance(shape, Rectangle)],
        [shape for shape in shapes if isinstance(shape, Text) and shape.halo],
        np.concatenate([sampled(curve) for curve in curves]),
    )


@pytest.mark.parametrize(
    ("name", "sideways", "crossed"),
    [
        ("imagenet/resnet50", False, 0.02),
        ("imagenet/googlenet", False, 0.1),
        ("course/06_sigmoid_neuron", True, 0),
        ("course/07_branch", True, 0),
        ("course/09_sensitivity", True, 0),
    ],
)
def test_labels_lie_free(name: str, sideways: bool, crossed: float) -> None:
    boxes, texts, dots = labelled(name, sideways)
    areas = [extent(text) for text in texts]
    assert areas
    for one, other in itertools.combinations(areas, 2):
        assert not overlap(one, other)
    edges = [
        (b.x - b.width / 2, b.y - b.height / 2, b.x + b.width / 2, b.y + b.height / 2)
        for b in boxes
    ]
    assert not [area for area in areas for edge in edges if overlap(area, edge)]
    x, y = dots.T
    hit = [
        bool(((x > left) & (x < right) & (y > top) & (y < bottom)).any())
        for left, top, right, bottom in areas
    ]
    assert np.mean(hit) <= crossed
