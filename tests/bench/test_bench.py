"""A small run of the benchmark, without a peer; and how its net is told to one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.kernels.onednn.library import find_library
from tests.harness.engines import needs_bf16
from tools.bench import describe
from tools.bench.__main__ import main
from tools.bench.nets import NETS, make_solver

TINY = """
solver: {type: SGD, base_lr: 0.01, lr_policy: fixed, momentum: 0.9}
net:
  name: tiny
  layer:
    - name: data
      type: Input
      top: [data, label]
      input_param: {shape: [{dim: [2, 1, 6, 6]}, {dim: [2]}]}
    - name: conv
      type: Convolution
      convolution_param: {num_output: 2, kernel_size: 3, weight_filler: {type: xavier}}
    - name: drop
      type: Dropout
      top: conv
    - name: loss
      type: SoftmaxWithLoss
      bottom: [score, label]
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    text = TINY.replace(
        "    - name: loss",
        "    - {name: score, type: InnerProduct, bottom: conv, inner_product_param:"
        " {num_output: 3, weight_filler: {type: xavier}}}\n    - name: loss",
    )
    path = tmp_path / "tiny.yaml"
    path.write_text(text)
    return path


def test_train(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--nets", str(tiny), "--rounds", "1", "--threads", "1", "--patience", "0"]
    assert main(["train", *options, "--output", str(tmp_path / "out")]) == 0
    table = capsys.readouterr().out
    assert f"| {tiny} | 1 | fp32 | demitasse NUMPY" in table
    (result,) = json.loads((tmp_path / "out" / "train.json").read_text())["results"]
    # conv 2 x 2 x 16 places x 9 taps, twice; score 2 x 3 x 32, three times; two operations each.
    assert result["flops"] == 2 * (2 * (2 * 2 * 16 * 9) + 3 * (2 * 3 * 32))
    names = ["ONEDNN", "NUMPY"] if find_library() is not None else ["NUMPY"]
    assert [engine["name"] for engine in result["engines"]] == [f"demitasse {n}" for n in names]
    for engine in result["engines"]:
        assert 0 < engine["min_ms"] <= engine["median_ms"] and engine["peak_bytes"] > 2**20
        assert engine["first_step_seconds"] > 0
    assert result["sgemm_flops_per_second"] > 0


@needs_bf16
def test_train_in_bfloat16(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--nets", str(tiny), "--rounds", "1", "--threads", "1", "--patience", "0"]
    assert main(["train", *options, "--precisions", "bf16"]) == 0
    table = capsys.readouterr().out
    assert f"| {tiny} | 1 | bf16 | demitasse ONEDNN" in table and "NUMPY" not in table


def test_a_precision_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--precisions", "fp32,fp8"]) == 2
    assert "no such precision\n  got: fp8\n  expected: fp32 or bf16" in capsys.readouterr().err


def test_describe(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe.main(str(tiny), tmp_path)
    layers = json.loads((tmp_path / "net.json").read_text())
    assert [layer["type"] for layer in layers] == [
        "Convolution", "Dropout", "InnerProduct", "SoftmaxWithLoss",
    ]  # fmt: skip
    assert layers[1]["ratio"] == 0.5 and layers[3]["loss_weight"] == 1
    assert json.loads(capsys.readouterr().out)["loss"] > 0


@pytest.mark.parametrize("name", ["lenet", "cifar10_quick", "autoencoder", "lstm"])
def test_small_nets_train(name: str) -> None:
    solver = make_solver(name)
    solver.step(1)
    assert set(NETS) >= {name} and solver.iter == 1
