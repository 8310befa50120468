"""The gradcheck command: right and wrong derivatives, kinks, samples, the whole net."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from engine import Net
from engine.net.derivatives import (
    Comparison,
    Variable,
    compare_variable,
    numerical_gradient,
)
from engine.net.gradient_check import NetCheck, check_layers
from engine.spec import parse_net
from layers.blob import Array
from tests.harness.places import ROOT
from tools import cli

TINY = str(ROOT / "configs" / "mnist" / "tiny.yaml")

BUG = """
import caffe
import numpy as np

class Tanh(caffe.Layer):
    def setup(self, bottom, top): pass
    def reshape(self, bottom, top): top[0].reshape(*bottom[0].data.shape)
    def forward(self, bottom, top): top[0].data[...] = np.tanh(bottom[0].data)
    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = top[0].diff * (1 - top[0].data)  # forgot the square
"""
BUGGY = """
layer:
  - {name: x, type: Input, input_param: {shape: {dim: [3, 4]}}}
  - name: h
    type: InnerProduct
    inner_product_param: {num_output: 3, weight_filler: {type: xavier}}
  - {name: y, type: Python, python_param: {module: wrong_tanh, layer: Tanh}}
  - {name: loss, type: Reduction, loss_weight: 1}
"""
KINK = """
layer:
  - {name: x, type: DummyData, dummy_data_param: {shape: {dim: [2, 3]}}}
  - {name: y, type: ReLU}
"""


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert cli.main(["gradcheck", *arguments]) == code
    return capsys.readouterr().out


def test_right(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, TINY, "--elements", "5")
    assert re.search(r'^hidden +bottom "data" +64x1x28x28 +5 of 50176 ', text, re.M)
    assert re.search(r"^score +param 1 +10 +5 of 10 ", text, re.M)
    assert "All gradients are right." in text
    assert re.search(r"numerical .* two forwards each, [\d,]+ times as long", text)


def test_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong_tanh.py").write_text(BUG)
    Path("net.yaml").write_text(BUGGY)
    text = out(capsys, "net.yaml", "--allow-code", code=1)
    assert 'WRONG: y by bottom "h"\n' in text  # and no other layer
    assert "All gradients" in out(capsys, "net.yaml", "--allow-code", "--layer", "h")
    whole = out(capsys, "net.yaml", "--allow-code", "--whole", code=1)
    assert 'WRONG: by input "x", by h param 0, by h param 1\n' in whole


def test_kink(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "kink.yaml"
    config.write_text(KINK)
    assert "6 at a kink" in out(capsys, str(config))


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    out(capsys, TINY, "--layer", "hiden", code=2)
    out(capsys, TINY, "--layer", "hidden", "--whole", code=2)
    with pytest.raises(SystemExit):
        cli.main(["gradcheck", TINY, "--elements", "0"])


def test_whole_net(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, TINY, "--whole", "--elements", "3")
    for name in ('input "data"', "hidden param 0", "score param 1"):
        assert name in text
    assert "label" not in text


def test_shared_parameters_add_up() -> None:
    config = """
    force_backward: true
    layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3] } } }
    layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "w" }
            inner_product_param { num_output: 3 bias_term: false
                                  weight_filler { type: "xavier" } } }
    layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" }
            inner_product_param { num_output: 3 bias_term: false } }
    layer { name: "square" type: "Reduction" bottom: "b" top: "loss" loss_weight: 1
            reduction_param { operation: SUMSQ } }
    """
    net = Net(parse_net(config), dtype=np.float64, seed=1)
    net.blobs["x"].data = np.arange(6.0).reshape(2, 3) / 6
    found = NetCheck(net).compare()
    assert [one.variable.name for one in found] == ['input "x"', "a param 0"]
    assert all(one.error < 1e-8 for one in found)


def test_checking_leaves_the_net_as_it_was() -> None:
    net = Net(TINY, dtype=np.float64, seed=1)
    before = net.arena.data.copy()
    for _, comparisons in check_layers(net, most=2):
        assert all(one.passed for one in comparisons)
    np.testing.assert_array_equal(net.arena.data, before)
    assert not net.arena.diff.any()


def test_numerical_gradient() -> None:
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    gradient = numerical_gradient(lambda: float((x**3).sum()), x)
    np.testing.assert_allclose(gradient, 3 * x**2, rtol=1e-8)
    some = numerical_gradient(lambda: float((x**3).sum()), x, np.array([3, 0]))
    np.testing.assert_allclose(some, [48, 3], rtol=1e-8)


CUT = """
layer:
  - {name: x, type: Input, input_param: {shape: {dim: [2, 3]}}}
  - {name: h, type: InnerProduct, inner_product_param: {num_output: 3,
     weight_filler: {type: xavier}}}
  - {name: step, type: Threshold, bottom: h}
  - {name: y, type: InnerProduct, inner_product_param: {num_output: 1,
     weight_filler: {type: xavier}}}
  - {name: top, type: ArgMax, bottom: h}
  - {name: loss, type: Reduction, bottom: y, loss_weight: 1}
"""
TARGET = """
layer:
  - {name: x, type: Input, input_param: {shape: {dim: [2, 3]}}}
  - {name: code, type: InnerProduct, inner_product_param: {num_output: 3,
     weight_filler: {type: xavier}}}
  - {name: loss, type: SigmoidCrossEntropyLoss, bottom: [code, x]}
"""
# Tied windows over a flat input, their scores counted up and down: no slope lies between.
TIED = """
layer:
  - {name: x, type: DummyData, dummy_data_param: {shape: {dim: [1, 1, 6, 6]}}}
  - name: maps
    type: Convolution
    convolution_param: {num_output: 4, kernel_size: 3, weight_filler: {type: gaussian, std: 1},
      bias_filler: {value: 0.7}}
  - {name: best, type: Pooling, pooling_param: {kernel_size: 2, stride: 2}}
  - name: score
    type: InnerProduct
    inner_product_param: {num_output: 1, weight_filler: {type: gaussian, std: 1}}
  - {name: loss, type: Reduction, loss_weight: 1}
"""


def test_round_off_is_no_mistake() -> None:
    """A loss of such coarse numbers that a step of 1e-5 is too short to tell its slope."""
    x, slope = np.array([0.3]), np.array([2.7182818])

    def loss() -> float:
        return float(np.round(slope @ x / 1e-9) * 1e-9)

    def compare(analytic: Array) -> Comparison:
        return compare_variable(loss, Variable("x", x, analytic), np.array([0]), 1e-6, 0)

    assert abs(numerical_gradient(loss, x)[0] / slope[0] - 1) > 1e-6
    assert compare(slope).passed
    assert not compare(slope * 1.00001).passed


def test_whole_net_with_layers_without_derivative(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cut.yaml").write_text(CUT)
    assert cli.main(["gradcheck", str(tmp_path / "cut.yaml"), "--whole"]) == 0
    text = capsys.readouterr()
    assert "y param 0" in text.out and 'input "x"' not in text.out  # what lies below a step
    assert 'layer "step" (Threshold) has no derivative' in text.err and "ArgMax" not in text.err


def test_input_that_is_a_target_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "target.yaml").write_text(TARGET)
    text = out(capsys, str(tmp_path / "target.yaml"), "--whole")
    assert "code param 0" in text and 'input "x"' not in text


def test_ties_of_a_whole_net_are_kinks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tied.yaml").write_text(TIED)
    text = out(capsys, str(tmp_path / "tied.yaml"), "--whole", "--elements", "all")
    assert re.search(r'input "x" .* \d+ at a kink$', text, re.M)


def test_a_wrong_gradient_is_no_kink(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong_tanh.py").write_text(BUG)
    lines = "  - {name: y, type: Python, python_param: {module: wrong_tanh, layer: Tanh}}\n"
    Path("net.yaml").write_text(TIED.replace("  - name: score", lines + "  - name: score"))
    text = out(capsys, "net.yaml", "--whole", "--allow-code", "--elements", "all", code=1)
    assert "by maps param 1" in text


def test_contrastive_loss_as_caffe_differentiates_it(capsys: pytest.CaptureFixture[str]) -> None:
    siamese = str(ROOT / "configs" / "mnist" / "siamese.yaml")
    assert "All gradients" in out(capsys, siamese, "--layer", "loss", "--elements", "20")


def test_data_handed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "net.yaml").write_text("""
layer:
  - {name: d, type: MemoryData, top: [d, label],
     memory_data_param: {batch_size: 2, channels: 1, height: 2, width: 2}}
  - {name: y, type: InnerProduct, bottom: d, inner_product_param: {num_output: 2}}
  - {name: loss, type: SoftmaxWithLoss, bottom: [y, label]}
""")
    assert 'bottom "d"' in out(capsys, str(tmp_path / "net.yaml"))


def test_seed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["gradcheck", TINY, "--seed", "-1"])
    assert "no whole number" in capsys.readouterr().err
