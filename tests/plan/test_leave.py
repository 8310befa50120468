"""A net that leaves its plan: the layers go on as if they had run all the time."""

from __future__ import annotations

from collections.abc import Sequence
from multiprocessing import Queue, get_all_start_methods, get_context

import numpy as np
import pytest

from engine import Net
from layers.blob import Blob
from tests.harness.engines import compared, kinds, needs_onednn, pair

pytestmark = needs_onednn

INPUT = 'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [3, 8] } } }\n'
NOISE = """
layer { name: "x" type: "DummyData" top: "x"
        dummy_data_param { shape { dim: [3, 8] } data_filler { type: "gaussian" } } }
"""
FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.5 max: 0.5 }'
HIDDEN = f"""
layer {{ name: "h" type: "InnerProduct" bottom: "x" top: "h"
         inner_product_param {{ num_output: 8 {FILLERS} }} }}
"""
END = f"""
layer {{ name: "ip" type: "InnerProduct" bottom: "BOTTOM" top: "ip"
         inner_product_param {{ num_output: 4 {FILLERS} }} }}
layer {{ name: "loss" type: "Reduction" bottom: "ip" top: "loss" loss_weight: 1
         reduction_param {{ operation: SUMSQ }} }}
"""

WINOGRAD = f"""
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [4, 32, 40, 44] }} }} }}
layer {{ name: "h" type: "Convolution" bottom: "x" top: "h"
         convolution_param {{ num_output: 32 kernel_size: 3 pad: 1 {FILLERS} }} }}
layer {{ name: "p" type: "Pooling" bottom: "h" top: "p"
         pooling_param {{ pool: AVE global_pooling: true }} }}
""" + END.replace("BOTTOM", "p")


def in_place(blob: str, *layers: str) -> str:
    return "".join(
        f'layer {{ name: "l{index}" type: {layer} bottom: "{blob}" top: "{blob}" }}\n'
        for index, layer in enumerate(layers)
    )


def end(blob: str) -> str:
    return END.replace("BOTTOM", blob)


POWER = '"Power" power_param { scale: 0.5 shift: 1 }'
AS_IMAGE = """
layer { name: "image" type: "Reshape" bottom: "h" top: "y"
        reshape_param { shape { dim: [0, 0, 1, 1] } } }
"""
BATCH_NORM, SIGMOID, TANH, DROPOUT = '"BatchNorm"', '"Sigmoid"', '"TanH"', '"Dropout"'
NETS = {
    "in place on an input, by a layer": INPUT + in_place("x", POWER) + end("x"),
    "in place on an input, by an operation": INPUT + in_place("x", TANH, SIGMOID) + end("x"),
    "an operation after a layer after an operation": (
        INPUT + HIDDEN + in_place("h", SIGMOID, POWER, TANH) + end("h")
    ),
    "images of one pixel": INPUT + HIDDEN + AS_IMAGE + in_place("y", BATCH_NORM, TANH) + end("y"),
    "random numbers": NOISE + HIDDEN + in_place("h", TANH, DROPOUT) + end("h"),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("partial", [True, False])
def test_backward_after_a_look(monkeypatch: pytest.MonkeyPatch, name: str, partial: bool) -> None:
    reference, fast = pair(monkeypatch, "force_backward: true\n" + NETS[name])
    for net in (reference, fast):
        net.forward()
        assert [np.isfinite(blob.data).all() for blob in net.blobs.values()]
        net.clear_param_diffs()
        net.backward(end=net.layer_names[1] if partial else None)
    assert (fast.passes.fast.plan is None) == partial
    assert not compared(reference, fast, 1e-4 if BATCH_NORM in NETS[name] else 1e-6)


@pytest.mark.parametrize("written", ["blob", "parameter"])
@pytest.mark.parametrize("tanh", ["h", "t"], ids=["in place", "apart"])
def test_what_is_written_before_a_part_is_run_stays(
    monkeypatch: pytest.MonkeyPatch, tanh: str, written: str
) -> None:
    """The part starts from what the blobs hold, whatever the layers before it would make."""
    layer = f'layer {{ name: "t" type: {TANH} bottom: "h" top: "{tanh}" }}'
    reference, fast = pair(monkeypatch, INPUT + HIDDEN + layer + end(tanh))
    for net in (reference, fast):
        net.forward()
        array = net.blobs[tanh] if written == "blob" else net.params["h"][0]
        array.data[...] *= 3
        net.forward(start="ip")
    assert fast.passes.fast.plan is None
    assert not compared(reference, fast)


def test_what_is_written_into_a_blob_that_several_read_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = INPUT.replace("[3, 8]", "[2, 4, 3, 3]")
    pool = (
        'layer { name: "p" type: "Pooling" bottom: "x" top: "h" pooling_param { kernel_size: 2 } }'
    )
    both = 'layer { name: "t" type: "TanH" bottom: "h" top: "t" }' + end("h")
    reference, fast = pair(monkeypatch, images + pool + both)
    for net in (reference, fast):
        net.forward()
        net.blobs["h"].data[...] *= 3
        net.forward(start="h_p_0_split")
    assert not compared(reference, fast)


@pytest.mark.parametrize("size", [2, 5])
def test_a_part_after_an_input_was_reshaped(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    reference, fast = pair(monkeypatch, INPUT + HIDDEN + end("h"))
    for net in (reference, fast):
        net.forward_backward()
        net.blobs["x"].reshape(size, 8)
        net.blobs["x"].data[...] = 0.5
        net.forward(end="h")
        net.forward_backward(fresh=True)
    assert not compared(reference, fast)


@pytest.mark.parametrize("batch", [3, 2])
def test_a_layer_that_has_run_does_not_run_again(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    power = f'layer {{ name: "p" type: {POWER} bottom: "h" top: "p" }}'
    reference, fast = pair(monkeypatch, INPUT + HIDDEN + power + end("p"))
    for net in (reference, fast):
        net.forward()
        layer, calls = net.layer_dict["p"], []

        def forward(bottom: Sequence[Blob], top: Sequence[Blob], calls: list[int] = calls) -> None:
            calls.append(1)
            top[0].reshape(batch, 8)  # another shape ends the plan
            top[0].data = bottom[0].data[:batch]

        monkeypatch.setattr(layer, "forward", forward)
        net.forward()
        net.clear_param_diffs()
        net.backward(end="ip")
        assert len(calls) == 1
    assert not compared(reference, fast)


FILTERED = f"""
layer {{ name: "filter" type: "Filter" bottom: "h" bottom: "chosen" top: "f" }}
layer {{ name: "p" type: {POWER} bottom: "f" top: "p" }}
"""


@pytest.mark.parametrize("trained", [True, False])
def test_layers_at_the_end_may_make_other_shapes_each_time(
    monkeypatch: pytest.MonkeyPatch, trained: bool
) -> None:
    """As detections do: the plan is not made anew for them."""
    chosen = INPUT.replace('"x"', '"chosen"').replace("[3, 8]", "[3]")
    text = INPUT + chosen + HIDDEN + (end("h") if trained else "") + FILTERED
    reference, fast = pair(monkeypatch, text)
    plans = set()
    for step, those in enumerate(([1, 1, 0], [1, 1, 0], [0, 1, 1], [1, 1, 1], [0, 1, 0])):
        for net in (reference, fast):
            net.blobs["chosen"].data = those
            net.blobs["x"].data[...] = np.arange(24).reshape(3, 8) / 7 - step
            net.forward_backward(fresh=True)
            assert net.blobs["p"].shape == (sum(those), 8)
        assert not compared(reference, fast)
        plans.add(fast.passes.fast.plan)
    assert len(plans) == 1 and plans != {None}
    for net in (reference, fast):
        net.clear_param_diffs()
        net.backward(end="h" if trained else None)
    assert not compared(reference, fast)


@pytest.mark.parametrize("shape", [(6, 8), (2, 8), (0, 8)])
def test_an_input_reshaped_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...]
) -> None:
    reference, fast = pair(monkeypatch, INPUT + HIDDEN + end("h"))
    for size in (None, shape, (3, 8)):
        for net in (reference, fast):
            if size is not None:
                net.blobs["x"].reshape(*size)
                net.blobs["x"].data[...] = 0.5
            net.forward_backward(fresh=True)
        assert not compared(reference, fast)
        assert kinds(fast)


def _step(net: Net, way: str, results: Queue[float]) -> None:
    results.put(float(net.blobs["h"].data.sum()))
    if way == "backward":
        net.backward()
    elif way == "step":
        net.forward_backward(fresh=True)
    results.put(float(np.abs(net.arena.diff).sum()))


@pytest.mark.skipif("fork" not in get_all_start_methods(), reason="needs fork")
@pytest.mark.parametrize("way", ["look", "backward", "step"])
def test_a_process_forked_from_one_that_ran_a_net(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    fast = pair(monkeypatch, WINOGRAD)[1]
    fast.forward_backward(fresh=True)
    wanted = [float(fast.blobs["h"].data.sum()), float(np.abs(fast.arena.diff).sum())]
    fast.forward()
    context = get_context("fork")
    results: Queue[float] = context.Queue()
    if way == "backward":
        fast.clear_param_diffs()
    child = context.Process(target=_step, args=(fast, way, results), daemon=True)
    child.start()
    try:
        found = [results.get(timeout=20) for _ in wanted]
    finally:
        child.kill()
    assert found == pytest.approx(wanted, rel=1e-4)
    assert fast.passes.fast.plan is not None


def test_gradients_that_readers_share_are_each_ones_own_behind_a_relu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = HIDDEN.replace('"h"', '"g"')
    both = 'layer { name: "sum" type: "Eltwise" bottom: "h" bottom: "g" top: "sum" }'
    text = INPUT + HIDDEN + in_place("h", '"ReLU"') + other + both + end("sum")
    reference, fast = pair(monkeypatch, text)
    for fresh in (True, False, True):
        for net in (reference, fast):
            net.forward_backward(fresh)
        assert not compared(reference, fast)
