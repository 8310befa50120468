"""``precision: BF16``: layers compute with bfloat16, close to what they compute with float32."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TEST, TRAIN, Net, Solver
from engine.net import fast_passes
from engine.net.fast_passes import VARIABLE
from engine.spec import parse_net, read_solver
from layers.errors import DemitasseError
from tests.harness.engines import distance, kinds, needs_bf16, pair
from tests.plan.test_operations import CASES, net
from tools.cli import main

BF16 = "precision: BF16\n"
# Three significant digits at every step; a wrong layout or a lost term would make it about 1.
NOISE = 0.06
LENET = Path(__file__).parents[2] / "configs" / "mnist" / "lenet.yaml"


@needs_bf16
@pytest.mark.parametrize("phase", [TRAIN, TEST], ids=["TRAIN", "TEST"])
@pytest.mark.parametrize("name", CASES)
def test_close_to_float32(monkeypatch: pytest.MonkeyPatch, name: str, phase: int) -> None:
    text, operation = CASES[name]
    reference, fast = pair(monkeypatch, net(text), phase, fast_only=BF16)
    for fresh in (True, False):
        losses = [each.forward_backward(fresh) for each in (reference, fast)]
        assert losses[0] == pytest.approx(losses[1], rel=NOISE)
    assert operation in kinds(fast)
    for blob in reference.blobs:
        assert distance(reference.blobs[blob].data, fast.blobs[blob].data) < NOISE, blob
        assert distance(reference.blobs[blob].diff, fast.blobs[blob].diff) < NOISE, blob
    for layer, blobs in reference.params.items():
        for one, other in zip(blobs, fast.params[layer], strict=True):
            assert distance(one.diff, other.diff) < NOISE, layer


@needs_bf16
def test_products_are_those_of_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = CASES["convolution and ReLU"]
    _, fast = pair(monkeypatch, net(text), fast_only=BF16)
    fast.forward_backward()
    plan = fast.passes.fast.plan
    assert plan is not None
    passes = [plan.forward_pass, *plan.backward_passes.values()]
    names = [
        name
        for each in passes
        for part in each.parts
        if type(part.operation).__name__ == "Convolution"
        for name in part.kernels
    ]
    assert names and all("bf16" in name for name in names)


@needs_bf16
def test_lenet_learns(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, "onednn")
    overrides = ["net.precision=BF16", "solver.max_iter=150", "solver.test_interval=1000",
                 f"solver.snapshot_prefix={tmp_path / 'x'}", "solver.random_seed=1"]  # fmt: skip
    solver = Solver(read_solver(LENET, overrides))
    solver.step(150)
    (test_net,) = solver.test_nets
    accuracy = [float(test_net.forward()["accuracy"]) for _ in range(10)]
    assert np.mean(accuracy) > 0.88
    weights = solver.net.params["ip1"][0].data  # kept in float32
    assert np.any(weights.view(np.uint32) & 0xFFFF)


def test_without_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_passes, "has_bf16", lambda: False)
    monkeypatch.setenv(VARIABLE, "default")
    made = Net(parse_net(BF16 + net(CASES["ReLU"][0])))
    with pytest.raises(DemitasseError, match="precision: BF16 needs oneDNN") as caught:
        made.forward()
    assert "--set net.precision=FP32" in str(caught.value)


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_passes, "find_library", lambda: None)
    monkeypatch.setenv(VARIABLE, "default")
    with pytest.raises(DemitasseError, match="precision: BF16 needs oneDNN") as caught:
        Net(parse_net(BF16 + net(CASES["ReLU"][0]))).forward()
    assert "no oneDNN" in str(caught.value) and "demitasse[fast]" in str(caught.value)


def test_with_the_numpy_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "numpy")
    monkeypatch.setattr(fast_passes, "find_library", lambda: "here")
    settings = ["--set", "net.precision=BF16", "--set", "solver.snapshot_prefix=here"]
    assert main(["train", "--config", str(LENET), *settings]) == 2
    assert "the NumPy engine" in capsys.readouterr().err


def test_a_precision_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(LENET), "--set", "net.precision=FP16"]) == 2
    assert "FP32, BF16" in capsys.readouterr().err


def test_an_engine_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_passes, "find_library", lambda: None)
    monkeypatch.setenv(fast_passes.VARIABLE, "onednn")
    with pytest.raises(DemitasseError, match="--engine or DEMITASSE_ENGINE: .*not installed"):
        fast_passes.fast_engine()
