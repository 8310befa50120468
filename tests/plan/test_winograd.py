"""Convolutions by Winograd's transforms compute what the layers do, and are chosen by shape."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from engine import TEST, TRAIN, Net
from engine.kernels.onednn.calls import OneDNNError
from engine.plan.operations import winograd
from layers.kernels.threads import set_thread_count, thread_count
from tests.harness.engines import (
    always_winograd,
    compared,
    distance,
    kinds,
    needs_bf16,
    needs_onednn,
    pair,
)

pytest.importorskip("numba")
pytestmark = needs_onednn

# Shapes of the bottom and settings: images of 1 to 12 pixels, what 4 divides and what not.
CASES = {
    "fits": ("2, 16, 8, 12", "num_output: 32 kernel_size: 3 pad: 1"),
    "no padding": ("3, 32, 9, 7", "num_output: 16 kernel_size: 3"),
    "padded by two": ("1, 16, 6, 5", "num_output: 48 kernel_size: 3 pad: 2"),
    "padded unlike": ("2, 48, 5, 10", "num_output: 16 kernel_size: 3 pad_h: 0 pad_w: 2"),
    "one pixel": ("3, 16, 1, 1", "num_output: 16 kernel_size: 3 pad: 1"),
    "no bias": ("2, 16, 7, 7", "num_output: 32 kernel_size: 3 pad: 1 bias_term: false"),
    "kernel of five": ("2, 16, 8, 11", "num_output: 32 kernel_size: 5 pad: 2"),
    "five, padded unlike": ("3, 32, 7, 5", "num_output: 16 kernel_size: 5 pad_h: 0 pad_w: 4"),
    "five, one result": ("2, 48, 5, 5", "num_output: 16 kernel_size: 5"),
    "many tiles": ("1, 16, 67, 61", "num_output: 16 kernel_size: 3 pad: 1"),
}


def net_of(shape: str, settings: str, relu: bool = False, learning: tuple[int, ...] = ()) -> str:
    rates = " ".join(f"param {{ lr_mult: {rate} }}" for rate in learning)
    return f"""
    force_backward: true
    layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [{shape}] }} }} }}
    layer {{ name: "c" type: "Convolution" bottom: "x" top: "y" {rates}
        convolution_param {{ {settings} weight_filler {{ type: "xavier" }}
                             bias_filler {{ type: "constant" value: 0.1 }} }} }}
    {'layer { name: "r" type: "ReLU" bottom: "y" top: "y" }' if relu else ""}
    layer {{ name: "sum" type: "Reduction" bottom: "y" top: "loss" loss_weight: 0.01
        reduction_param {{ operation: SUMSQ }} }}"""


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the smallest convolutions go by Winograd."""
    always_winograd(monkeypatch)


@pytest.fixture(params=["tiles", "maps"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, always: None) -> str:
    """What threads share out."""
    for name in ("_PAIRS", "_PAIRS_BY_WEIGHTS"):
        monkeypatch.setattr(winograd, name, 0 if request.param == "maps" else np.inf)
    return str(request.param)


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = thread_count()
    set_thread_count(request.param)
    yield request.param
    set_thread_count(before)


def directions(net: Net) -> list[str]:
    """The calls of a compiled net's convolution, forward and backward."""
    plan = net.passes.fast.plan
    parts = plan.forward_pass.parts + [
        p for each in plan.backward_passes.values() for p in each.parts
    ]
    calls = [call for part in parts for call in part.calls]
    return [call.name for call in calls if getattr(call, "name", "").startswith("convolution")]


def in_both(monkeypatch: pytest.MonkeyPatch, text: str, phase: int = TRAIN) -> Net:
    """Trains a little in both engines, compares them, and returns the compiled net."""
    nets = reference, fast = pair(monkeypatch, text, phase)
    for fresh in (True, False, False, True):
        losses = [net.forward_backward(fresh) for net in nets]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        assert not compared(reference, fast)
    assert kinds(fast)[1] == "Convolution"
    return fast


@pytest.mark.parametrize("relu", [False, True], ids=["", "ReLU"])
@pytest.mark.parametrize("name", CASES)
def test_equals_the_layer(
    monkeypatch: pytest.MonkeyPatch, name: str, relu: bool, way: str, threads: int
) -> None:
    fast = in_both(monkeypatch, net_of(*CASES[name], relu))
    backward = [f"convolution_backward_weights winograd:{way}", f"convolution winograd:{way}"]
    assert directions(fast) == [f"convolution winograd:{way}", *backward * 2]


@pytest.mark.parametrize("rates", [(0, 1), (1, 0)])
def test_parameters_that_do_not_learn(
    monkeypatch: pytest.MonkeyPatch, rates: tuple[int, int], way: str
) -> None:
    text = net_of(*CASES["fits"], learning=rates).replace("force_backward: true", "")
    fast = in_both(monkeypatch, text)
    assert [bool(blob.diff.any()) for blob in fast.params["c"]] == [bool(rate) for rate in rates]


def test_a_net_that_only_looks(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    reference, fast = pair(monkeypatch, net_of(*CASES["fits"]), TEST)
    for net in (reference, fast):
        net.forward()
    assert not compared(reference, fast)
    assert directions(fast) == [f"convolution winograd:{way}"]


def test_what_is_not_a_number_stays_so(monkeypatch: pytest.MonkeyPatch, always: None) -> None:
    _, fast = pair(monkeypatch, net_of(*CASES["fits"], relu=True))
    fast.blobs["x"].data[0, 3, 4, 4] = np.nan
    assert np.isnan(fast.forward()["loss"])


def test_the_same_bits_each_time(monkeypatch: pytest.MonkeyPatch, way: str, threads: int) -> None:
    bits = []
    for _ in range(2):
        _, fast = pair(monkeypatch, net_of(*CASES["many tiles"]))
        fast.forward_backward(True)
        fast.forward_backward(False)
        bits.append((fast.blobs["y"].data.tobytes(), fast.arena.diff.tobytes()))
    assert bits[0] == bits[1]


def test_other_kernels_and_channels_stay_direct(
    monkeypatch: pytest.MonkeyPatch, always: None
) -> None:
    for shape, settings in (
        ("2, 16, 8, 12", "num_output: 32 kernel_size: 3 pad: 3"),
        ("2, 16, 8, 12", "num_output: 32 kernel_h: 3 kernel_w: 1"),
        ("2, 16, 8, 12", "num_output: 32 kernel_h: 3 kernel_w: 5"),
        ("2, 16, 8, 12", "num_output: 32 kernel_size: 7 pad: 3"),
        ("2, 16, 8, 12", "num_output: 32 kernel_size: 3 stride: 2"),
        ("2, 16, 8, 12", "num_output: 32 kernel_size: 3 dilation: 2"),
        ("2, 32, 8, 12", "num_output: 32 kernel_size: 3 group: 2"),
        ("2, 20, 8, 12", "num_output: 32 kernel_size: 3"),
    ):
        fast = in_both(monkeypatch, net_of(shape, settings))
        assert directions(fast)
        assert not any("winograd" in name for name in directions(fast))


def test_without_numba_all_is_direct(monkeypatch: pytest.MonkeyPatch, always: None) -> None:
    def missing() -> None:
        raise OneDNNError("numba is not installed")

    monkeypatch.setattr(winograd, "need_loops", missing)
    fast = in_both(monkeypatch, net_of(*CASES["fits"]))
    assert not any("winograd" in name for name in directions(fast))


def test_chosen_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = "5, 64, 15, 15"
    fast = in_both(monkeypatch, net_of(shape, "num_output: 64 kernel_size: 3 pad: 1"))
    assert all("winograd" in name for name in directions(fast))
    fast = in_both(monkeypatch, net_of("9, 32, 15, 15", "num_output: 32 kernel_size: 5 pad: 2"))
    assert all("winograd" in name for name in directions(fast))
    fast = in_both(monkeypatch, net_of("3, 64, 9, 9", "num_output: 64 kernel_size: 5 pad: 2"))
    assert not any("winograd" in name for name in directions(fast))
    for slower in ("4, 64, 5, 5", "4, 16, 15, 15", "1, 64, 7, 7"):
        fast = in_both(monkeypatch, net_of(slower, "num_output: 64 kernel_size: 3 pad: 1"))
        assert not any("winograd" in name for name in directions(fast))


@needs_bf16
@pytest.mark.parametrize("name", CASES)
def test_images_of_bfloat16(monkeypatch: pytest.MonkeyPatch, way: str, name: str) -> None:
    text = net_of(*CASES[name], relu=True)
    reference, fast = pair(monkeypatch, text, fast_only="precision: BF16\n")
    for fresh in (True, False):
        losses = [each.forward_backward(fresh) for each in (reference, fast)]
        assert losses[0] == pytest.approx(losses[1], rel=0.02)
    assert directions(fast) and all("winograd" in call for call in directions(fast))
    for one, other in [(reference.blobs[blob], fast.blobs[blob]) for blob in ("x", "y")] + list(
        zip(reference.params["c"], fast.params["c"], strict=True)
    ):
        # What a kernel computes is rounded once, where direct ones sum rounded products.
        assert distance(one.data, other.data) < 0.004
        assert distance(one.diff, other.diff) < 0.02


@needs_bf16
def test_no_number_stays_none_in_bfloat16(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    _, fast = pair(monkeypatch, net_of(*CASES["fits"]), fast_only="precision: BF16\n")
    fast.blobs["x"].data[0, 3, 2, 2] = np.nan
    fast.forward()
    assert np.isnan(fast.blobs["y"].data[0, :, 1:4, 1:4]).all()
    assert np.isfinite(fast.blobs["y"].data[1]).all()
