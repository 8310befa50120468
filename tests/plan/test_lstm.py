"""The compiled LSTM against the layer: sequences that begin in the middle, states carried on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import engine.kernels.loops
from engine import Net
from engine.plan.operations.lstm import LSTM
from layers.kernels.threads import set_thread_count, thread_count
from tests.harness.engines import compared, distance, kinds, needs_bf16, needs_onednn, pair

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x"
         input_param {{ shape {{ dim: [{steps}, {streams}, 2, 4] }} }} }}
layer {{ name: "cont" type: "Input" top: "cont"
         input_param {{ shape {{ dim: [{steps}, {streams}] }} }} }}
layer {{ name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
         recurrent_param {{ num_output: {units} weight_filler {{ type: "xavier" }}
                            bias_filler {{ type: "constant" value: 0.1 }} }} {param} }}
layer {{ name: "t" type: "DummyData" top: "t"
         dummy_data_param {{ shape {{ dim: [{steps}, {streams}, {units}] }}
                             data_filler {{ type: "constant" value: 0.3 }} }} }}
layer {{ name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "t" top: "loss" }}
"""
FIXED, FREE = "param { lr_mult: 0 } ", "param { lr_mult: 1 } "

pytestmark = needs_onednn


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = thread_count()
    if not set_thread_count(request.param):
        pytest.skip("NumPy's matrix library cannot be told its threads")
    yield request.param
    set_thread_count(before)


def write(steps: int = 5, streams: int = 3, units: int = 6, param: str = "") -> str:
    return NET.format(steps=steps, streams=streams, units=units, param=param)


def agree(reference: Net, fast: Net, share: float = 0.7) -> None:
    """Compares passes whose gradients replace others, or add up, at states carried on.

    Args:
        share: of the streams that go on at each step.
    """
    rng = np.random.default_rng(5)
    for fresh in (True, False, True):
        cont = (rng.random(reference.blobs["cont"].shape) < share).astype(np.float32)
        for net in (reference, fast):
            net.blobs["cont"].data = cont
        losses = [net.forward_backward(fresh) for net in (reference, fast)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        assert not compared(reference, fast)
        for one, other in zip(
            reference.layer_dict["lstm"].carried, fast.layer_dict["lstm"].carried, strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("param", ["", 2 * FIXED, FREE + FIXED, 2 * FREE + FIXED, 3 * FIXED])
def test_equals_the_layer(monkeypatch: pytest.MonkeyPatch, param: str) -> None:
    reference, fast = pair(monkeypatch, write(param=param))
    agree(reference, fast)
    assert "LSTM" in kinds(fast)


@pytest.mark.parametrize("shape", [(5, 1, 6), (1, 3, 6), (1, 1, 1), (4, 2, 16), (3, 7, 40)])
def test_any_shape_in_any_number_of_threads(
    monkeypatch: pytest.MonkeyPatch, threads: int, shape: tuple[int, int, int]
) -> None:
    reference, fast = pair(monkeypatch, write(*shape))
    agree(reference, fast)
    assert "LSTM" in kinds(fast)


@pytest.mark.parametrize("share", [0, 1])
def test_sequences_that_never_or_always_go_on(
    monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    agree(*pair(monkeypatch, write()), share)


NO_LOSS = write()[: write().index('layer { name: "t"')]


def test_fewer_streams_than_before(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = reference, fast = pair(monkeypatch, NO_LOSS)
    for streams in (3, 2):
        x = np.random.default_rng(0).normal(size=(5, streams, 2, 4))
        for net in nets:
            net.forward(x=x, cont=np.ones((5, streams)))
            net.backward(h=np.full((5, streams, 6), 0.5))
        assert not compared(reference, fast)
    assert "LSTM" in kinds(fast)


@pytest.mark.parametrize("start", ["lstm", "after"])
def test_states_carried_on_into_a_pass_of_a_part(
    monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    after = 'layer { name: "after" type: "Power" bottom: "h" top: "p" }'
    nets = reference, fast = pair(monkeypatch, NO_LOSS + after)
    for net in nets:
        net.blobs["cont"].data[...] = 1
        for _ in range(2):
            net.forward()
        net.forward(start=start)
        net.backward(p=np.ones(net.blobs["p"].shape))
    assert fast.passes.fast.plan is None
    assert not compared(reference, fast)


def test_no_gradient_of_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = pair(monkeypatch, write().replace("force_backward: true", ""))
    agree(reference, fast)
    assert not fast.blobs["x"].diff.any()


def test_saturated_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = pair(monkeypatch, write())
    for net in (reference, fast):
        net.blobs["x"].data = 100 * net.blobs["x"].data
    agree(reference, fast)


@pytest.mark.parametrize("head", ["", pytest.param("precision: BF16 ", marks=needs_bf16)])
def test_numbers_that_are_none_are_passed_on(monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    """NaN comes out where it comes out of the layer: in its stream, from its step on."""
    reference, fast = pair(monkeypatch, write(), fast_only=head)
    outputs = []
    for net in (reference, fast):
        net.blobs["cont"].data = np.ones((5, 3))
        net.blobs["x"].data[2, 1, 0, 0] = np.nan
        net.forward()
        outputs.append(np.isnan(net.blobs["h"].data))
    assert outputs[1][2:, 1].all() and outputs[1].sum() == 3 * 6
    np.testing.assert_array_equal(*outputs)


def test_same_bits_each_time(monkeypatch: pytest.MonkeyPatch, threads: int) -> None:
    bits = []
    for _ in range(2):
        _, fast = pair(monkeypatch, write(20, 8, 32))
        fast.blobs["cont"].data = np.ones((20, 8))
        fast.forward_backward(True)
        bits.append((fast.blobs["h"].data.tobytes(), fast.arena.diff.tobytes()))
    assert bits[0] == bits[1]


def test_the_layer_itself_without_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.kernels.loops, "_problem", lambda: "numba is not installed")
    reference, fast = pair(monkeypatch, write())
    agree(reference, fast)
    assert "LSTM" not in kinds(fast)


@pytest.mark.parametrize("steps", [-50, 50])
def test_the_hyperbolic_tangent(steps: int) -> None:
    tanh = pytest.importorskip("engine.kernels.loops.lstm").tanh
    values = np.concatenate([np.linspace(0, np.sign(steps) * 12, 2001), [steps, 0.0]])
    for x in values.astype(np.float32):
        exact = np.tanh(np.float64(x))
        assert abs(tanh(x) - exact) <= 5.2 * np.spacing(np.float32(abs(exact)))
    assert np.isnan(tanh(np.float32(np.nan)))


@needs_bf16
@pytest.mark.parametrize("shape", [(5, 3, 6), (1, 1, 1), (12, 7, 40)])
def test_close_with_bfloat16(
    monkeypatch: pytest.MonkeyPatch, threads: int, shape: tuple[int, int, int]
) -> None:
    reference, fast = pair(monkeypatch, write(*shape), fast_only="precision: BF16 ")
    rng = np.random.default_rng(5)
    for fresh in (True, False, True):
        cont = (rng.random(shape[:2]) < 0.7).astype(np.float32)
        for net in (reference, fast):
            net.blobs["cont"].data = cont
            net.forward_backward(fresh)
        for blob in ("h", "x"):
            assert distance(reference.blobs[blob].data, fast.blobs[blob].data) < 0.03, blob
            assert distance(reference.blobs[blob].diff, fast.blobs[blob].diff) < 0.03, blob
        for one, other in zip(reference.params["lstm"], fast.params["lstm"], strict=True):
            assert distance(one.diff, other.diff) < 0.03
    plan = fast.passes.fast.plan
    assert plan is not None
    (lstm,) = (each for each in plan.operations if isinstance(each, LSTM))
    products = [lstm.into, *lstm.step, *lstm.step_back, lstm.by_u, lstm.by_w, lstm.by_x]
    assert all("bf16" in product.implementation for product in products)


def test_bfloat16_rounds_to_the_nearest() -> None:
    module = pytest.importorskip("engine.kernels.loops.bfloat16")
    one, step = 0x3F800000, 0x10000  # 1, and what is between it and the next bfloat16 number
    bits = np.array(
        [one + step // 2, one + step // 2 + 1, one + 3 * step // 2, 0x7F7FFFFF], np.uint32
    )
    rounded = [int(module.rounded(x)) for x in bits.view(np.float32)]
    assert rounded == [0x3F80, 0x3F81, 0x3F82, 0x7F80]
    assert [int(module.rounded(np.float32(x))) for x in (-0.0, -np.inf)] == [0x8000, 0xFF80]
    for nan in (0x7F800001, 0x7FFFFFFF, 0xFFFFFFFF):  # the upper half of the first is infinity
        upper = np.uint32(module.rounded(np.uint32(nan).view(np.float32)))
        assert np.isnan(np.uint32(upper << 16).view(np.float32))
