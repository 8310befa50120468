"""What a check goes on with after a problem, and the numbers it gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import TEST, TRAIN, Net
from engine.check import Report, check_config
from engine.net.work import multiply_adds
from tests.harness.places import ROOT
from tools.checking.summary import as_data

LENET = ROOT / "configs" / "mnist" / "lenet.yaml"
RESNET = ROOT / "configs" / "imagenet" / "resnet50.yaml"


def check(folder: Path, text: str, name: str = "c.yaml") -> Report:
    path = folder / name
    path.write_text(text)
    return check_config(path)


def ids(report: Report) -> list[str]:
    return [problem.id for problem in report.distinct]


MANY = """\
solver:
  base_lr: fast
  lr_policy: step
  max_iter: 100
  test_iter: -1
net:
  layer:
    - {name: data, type: Input, top: [data, label],
       input_param: {shape: [{dim: [8, 3, 9, 9]}, {dim: 8}]}}
    - {name: conv1, type: Convolution, convolution_param: {num_output: 4, kernel_sise: 3}}
    - {name: relu1, type: ReLUU, top: conv1}
    - {name: big, type: Pooling, bottom: data, pooling_param: {kernel_size: 99}}
    - {name: ip, type: InnerProduct, bottom: dta, inner_product_param: {num_output: 2}}
    - {name: ok, type: InnerProduct, bottom: data, inner_product_param: {num_output: 3}}
    - {name: loss, type: SoftmaxWithLoss, bottom: [conv1, label]}
"""


def test_everything_in_one_report(tmp_path: Path) -> None:
    report = check(tmp_path, MANY)
    found = {problem.id for problem in report.errors}
    assert found == {"DM101", "DM102", "DM201", "DM204", "DM302", "DM403", "DM408"}
    assert {node.layer.name for node in report.nets[0].written} == {"data", "ok"}
    assert not report.nets[0].whole


@pytest.mark.parametrize(
    ("setting", "id"),
    [
        ("base_lr: fast", "DM102"),
        ("base_lr: '${rate}'", "DM003"),
        ("base_lrr: 0.1", "DM101"),
        ("learning_rate: 0.1", "DM101"),
    ],
)
def test_a_value_that_cannot_be_read_is_not_missing_as_well(
    setting: str, id: str, tmp_path: Path
) -> None:
    net = "{name: d, type: Input, input_param: {shape: {dim: [1, 2]}}}"
    rest = "lr_policy: fixed\n  max_iter: 9\n  snapshot_after_train: false"
    report = check(tmp_path, f"solver:\n  {setting}\n  {rest}\nnet:\n  layer: [{net}]\n")
    assert [problem.id for problem in report.errors if problem.id != "DM209"] == [id]


def test_a_problem_that_both_phases_have_is_told_once() -> None:
    setting = "net.layer.conv1.convolution_param.kernel_size=50"
    report = check_config(LENET, overrides=[setting])
    assert [problem.id for problem in report.errors] == ["DM302"]
    assert 'layer "conv1"' in report.errors[0].where
    assert [net.title for net in report.nets] == ["TRAIN", "TEST"]


def test_what_reads_a_broken_layer_is_left_out_without_a_word(tmp_path: Path) -> None:
    text = """\
layer:
  - {name: data, type: Input, input_param: {shape: {dim: [8, 3, 9, 9]}}}
  - {name: conv, type: Convolution, convolution_param: {num_output: 4, kernel_size: 30}}
  - {name: relu, type: ReLU, top: conv}
  - {name: ip, type: InnerProduct, inner_product_param: {num_output: 4}}
  - {name: other, type: ReLU, bottom: data}
"""
    report = check(tmp_path, text)
    assert ids(report) == ["DM302"]
    assert [node.layer.name for node in report.nets[0].written] == ["data", "other"]


def test_a_net_alone_is_checked_in_the_phases_it_names(tmp_path: Path) -> None:
    deploy = check(tmp_path, "layer: {name: d, type: Input, input_param: {shape: {dim: 1}}}")
    assert [net.title for net in deploy.nets] == ["TEST"]
    train_only = check(
        tmp_path,
        """\
layer:
  - {name: d, type: DummyData, top: [d, l], include: {phase: TRAIN},
     dummy_data_param: {shape: [{dim: [8, 4]}, {dim: 8}]}}
  - {name: ip, type: InnerProduct, inner_product_param: {num_output: 3}}
  - {name: loss, type: SoftmaxWithLoss, bottom: [ip, l]}
""",
    )
    assert [net.title for net in train_only.nets] == ["TRAIN"]
    assert not train_only.errors


@pytest.mark.parametrize("phase", [TRAIN, TEST])
def test_numbers_are_those_of_the_net_itself(phase: int) -> None:
    data = as_data(check_config(LENET))
    layers = {layer["name"]: layer for layer in data["nets"][phase]["layers"]}
    net = Net(LENET, phase=phase)
    for node in net.nodes:
        if node.layer.type == "Split":
            continue
        row = layers.pop(node.layer.name)
        assert list(row["tops"].values()) == [list(blob.shape) for blob in node.top]
        assert row["parameters"] == sum(blob.count for blob in node.layer.blobs)
        assert row["multiply_adds"] == multiply_adds(node)
    assert not layers


def test_sums_of_lenet() -> None:
    layers = as_data(check_config(LENET))["nets"][TRAIN]["layers"]
    assert sum(layer["parameters"] for layer in layers) == 431_080
    by_name = {layer["name"]: layer for layer in layers}
    assert by_name["conv1"]["multiply_adds"] == 64 * 20 * 24 * 24 * 25
    assert by_name["conv1"]["data_bytes"] == 4 * 64 * 20 * 24 * 24
    assert by_name["conv1"]["diff_bytes"] == by_name["conv1"]["data_bytes"]
    assert by_name["mnist_train"]["diff_bytes"] == 0
    assert by_name["relu1"]["data_bytes"] == 0  # in place
    assert by_name["ip1"]["parameter_bytes"] == 4 * (800 * 500 + 500)


def test_shared_parameters_count_once(tmp_path: Path) -> None:
    text = """\
layer:
  - {name: data, type: Input, input_param: {shape: {dim: [8, 6]}}}
  - {name: a, type: InnerProduct, param: [{name: w}, {name: b}],
     inner_product_param: {num_output: 6}}
  - {name: c, type: InnerProduct, param: [{name: w}, {name: b}],
     inner_product_param: {num_output: 6}}
"""
    layers = as_data(check(tmp_path, text))["nets"][0]["layers"]
    assert [layer["parameters"] for layer in layers] == [0, 42, 0]
    assert [layer["parameter_bytes"] for layer in layers] == [0, 168, 0]


def test_missing_images_are_imagined() -> None:
    report = check_config(RESNET)
    assert {problem.id for problem in report.errors} == {"DM001"}
    train, test = report.nets
    assert train.assumed == ["data (32, 3, 224, 224)", "label (32,)"]
    assert test.assumed == ["data (50, 3, 224, 224)", "label (50,)"]
    # Every parameter of the published net: those of torchvision's resnet50, the statistics of its
    # 53 BatchNorms (three blobs each), and the bias of conv1.
    total = sum(layer["parameters"] for layer in as_data(report)["nets"][TRAIN]["layers"])
    statistics = 53 + 2 * 26_560
    assert total == 25_557_032 + statistics + 64


def test_no_parameter_gets_a_value() -> None:
    """That is what makes the check of a large net a matter of a second."""
    for net in check_config(RESNET).nets:
        for param in net.params:
            if param.blob.count > 10_000:
                assert param.blob._stores == [None, None]


def test_chain_of_a_shape(tmp_path: Path) -> None:
    text = "layer:\n  - {name: data, type: Input, input_param: {shape: {dim: [1, 1, 64, 64]}}}\n"
    for number in range(9):
        windows = "pooling_param: {kernel_size: 2, stride: 2}"
        text += f"  - {{name: p{number}, type: Pooling, {windows}}}\n"
    text += "  - {name: end, type: Reshape, reshape_param: {shape: {dim: [7, 7]}}}\n"
    (problem,) = check(tmp_path, text).errors
    assert str(problem).endswith(
        "from: ... -> p3 (1, 1, 4, 4) -> p4 (1, 1, 2, 2) -> p5 (1, 1, 1, 1) -> p6 (1, 1, 1, 1) "
        "-> p7 (1, 1, 1, 1) -> p8 (1, 1, 1, 1)"
    )


def test_stages(tmp_path: Path) -> None:
    text = """\
layer:
  - {name: data, type: Input, include: {stage: deploy}, input_param: {shape: {dim: [8, 6]}}}
"""
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert ids(check_config(path)) == ["DM208"]
    assert ids(check_config(path, stages=["deploy"])) == []


def test_overrides(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(MANY)
    report = check_config(path, overrides=["solver.base_lr=0.1"])
    assert "DM102" in {problem.id for problem in report.errors}  # the file is as wrong as before
    assert "DM401" not in {problem.id for problem in report.errors}


def test_a_solver_in_prototxt_shows_the_line_in_its_net(tmp_path: Path) -> None:
    text = """\
base_lr: 0.1 lr_policy: "fixed" max_iter: 10 snapshot_after_train: false
net_param {
  layer { name: "d" type: "Input" top: "d" input_param { shape { dim: 3 } } }
  layer { name: "ip" type: "InnerProduct" bottom: "d" top: "ip" }
}
"""
    report = check(tmp_path, text, "s.prototxt")
    (problem,) = [problem for problem in report.errors if problem.id == "DM301"]
    assert problem.where.startswith(f"{tmp_path}/s.prototxt:4:3, layer")
