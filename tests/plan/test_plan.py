"""A compiled net behaves as its layers would: looked at, written to, run in parts, reshaped."""

from __future__ import annotations

import numpy as np
import pytest

from engine import Net
from engine.net.fast_passes import VARIABLE
from engine.plan.tensor import TensorHome
from engine.spec import parse_net
from layers.blob import Blob
from layers.errors import DemitasseError
from layers.kernels.threads import set_thread_count, thread_count
from tests.harness.engines import compared, kinds, needs_onednn, pair

NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [3, 4, 8, 8] } } }
layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [3] } } }
layer { name: "c1" type: "Convolution" bottom: "x" top: "c1"
        convolution_param { num_output: 6 kernel_size: 3 bias_term: false
                            weight_filler { type: "xavier" } } }
layer { name: "bn" type: "BatchNorm" bottom: "c1" top: "c1" }
layer { name: "scale" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "relu" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "drop" type: "Dropout" bottom: "c1" top: "c1" }
layer { name: "p" type: "Pooling" bottom: "c1" top: "p"
        pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "c2" type: "Convolution" bottom: "p" top: "c2"
        convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } } }
layer { name: "sum" type: "Eltwise" bottom: "c2" bottom: "p" top: "sum" }
layer { name: "ip" type: "InnerProduct" bottom: "sum" top: "ip"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""

pytestmark = needs_onednn


def nets(monkeypatch: pytest.MonkeyPatch, text: str = NET) -> tuple[Net, Net]:
    reference, fast = pair(monkeypatch, text)
    for net in (reference, fast):
        net.blobs["label"].data = [0, 3, 1]
    return reference, fast


def test_a_net_with_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    for _ in range(3):
        assert reference.forward_backward() == pytest.approx(fast.forward_backward(), rel=1e-5)
        assert not compared(reference, fast)
    assert {"Convolution", "BatchNorm", "Pooling", "Eltwise", "Reference"} <= set(kinds(fast))


def test_what_is_written_between_the_passes_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    for net in (reference, fast):
        net.forward()
        net.clear_param_diffs()
        net.blobs["p"].data[...] *= 2  # what c2's weights are correlated with
        net.backward()
    assert not [name for name in compared(reference, fast) if name.startswith("c2")]


def test_parameters_that_are_written_count(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    for net in (reference, fast):
        net.forward()
        net.params["c1"][0].data[...] *= 3
        net.params["ip"][1].data[...] = [1, 2, 3, 4]
    assert reference.forward_backward() == pytest.approx(fast.forward_backward(), rel=1e-5)
    assert not compared(reference, fast)


def test_a_gradient_from_above_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    text = NET[: NET.index('layer { name: "ip"')].replace(
        'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [3] } } }', ""
    )
    reference, fast = pair(monkeypatch, "force_backward: true" + text)
    for net in (reference, fast):
        net.forward()
        net.clear_param_diffs()
        net.backward(sum=np.arange(3 * 6 * 9).reshape(3, 6, 3, 3) / 50)
    assert not compared(reference, fast)


@pytest.mark.parametrize("written", [False, True])
def test_a_gradient_that_is_there_before_the_first_pass_counts(
    monkeypatch: pytest.MonkeyPatch, written: bool
) -> None:
    """A loss weight, or what somebody writes into an array taken before."""
    text = NET[: NET.index('layer { name: "ip"')].replace(
        'layer { name: "label" type: "Input" top: "label" input_param { shape { dim: [3] } } }', ""
    )
    weight = "" if written else "loss_weight: 0.5"
    text = "force_backward: true" + text.replace('top: "sum"', f'top: "sum" {weight}', 1)
    reference, fast = pair(monkeypatch, text)
    for net in (reference, fast):
        diff = net.blobs["sum"].diff
        for fresh in (True, False):
            net.forward()
            if written:
                diff[...] = 0.25
            net.passes.backward(0, len(net.nodes) - 1, False, fresh)
    assert reference.arena.diff.any()
    assert not compared(reference, fast)


@pytest.mark.parametrize("start, end", [("p", None), (None, "c2"), ("c2", "sum"), ("bn", "relu")])
def test_parts_are_run_by_the_layers(
    monkeypatch: pytest.MonkeyPatch, start: str | None, end: str | None
) -> None:
    reference, fast = nets(monkeypatch)
    for net in (reference, fast):
        net.forward()
        net.forward(start=start, end=end)
        net.clear_param_diffs()
        net.backward()
    assert not compared(reference, fast)
    assert not kinds(fast)


def test_a_part_of_the_way_back_after_a_whole_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    for net in (reference, fast):
        net.forward()
        net.clear_param_diffs()
        net.backward(end="p")
    assert not compared(reference, fast)


def test_another_batch_size(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    x = np.random.default_rng(0).normal(size=(5, 4, 8, 8))
    for net in (reference, fast):
        net.forward()
        net.forward(x=x, label=[1, 2, 3, 0, 1])
        net.clear_param_diffs()
        net.backward()
    assert not compared(reference, fast)
    assert kinds(fast)


def test_a_blob_that_gets_smaller_keeps_what_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    for net in (reference, fast):
        net.forward()
    for name in ("c1", "p", "c2", "sum", "ip"):
        one, other = reference.blobs[name], fast.blobs[name]
        for blob in (one, other):
            blob.reshape(1, *one.shape[1:])
        assert one.data.any() and np.allclose(one.data, other.data, atol=1e-6), name


def test_memory_for_what_nobody_looks_at_is_never_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = nets(monkeypatch)
    fast.forward_backward(True)
    taken = [name for name, blob in fast.blobs.items() if blob.has_store(0)]
    fast.blobs["c2"].data  # noqa: B018
    assert "c2" not in taken and fast.blobs["c2"].has_store(0)


def test_another_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    before = thread_count()
    try:
        for threads in (1, 3):
            set_thread_count(threads)
            assert reference.forward_backward() == pytest.approx(fast.forward_backward(), rel=1e-5)
            assert not compared(reference, fast)
    finally:
        set_thread_count(before)


def test_shared_weights_get_the_sum_of_their_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = 'param { name: "w" } param { name: "b" } convolution_param'
    text = NET.replace("num_output: 6 kernel_size: 1", "num_output: 6 kernel_size: 1 group: 1")
    again = """
    layer { name: "c3" type: "Convolution" bottom: "c2" top: "c3"
            convolution_param { num_output: 6 kernel_size: 1 weight_filler { type: "xavier" } } }
    layer { name: "sum" type: "Eltwise" bottom: "c3" """
    text = text.replace('layer { name: "sum" type: "Eltwise" bottom: "c2" ', again)
    for name in ("c2", "c3"):
        head, _, tail = text.partition(f'name: "{name}"')
        text = head + f'name: "{name}"' + tail.replace("convolution_param", shared, 1)
    reference, fast = nets(monkeypatch, text)
    for fresh in (True, False):
        for net in (reference, fast):
            net.forward_backward(fresh)
        assert not compared(reference, fast)


def test_the_same_bits_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for _ in range(2):
        fast = nets(monkeypatch)[1]
        fast.forward_backward(fresh=True)
        results.append(fast.arena.diff.tobytes())
    assert results[0] == results[1]


def test_double_precision_is_the_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "onednn")
    net = Net(parse_net(NET), dtype=np.float64, seed=1)
    net.forward()
    assert not kinds(net)


def test_an_engine_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "fastest")
    with pytest.raises(DemitasseError, match="names no engine") as caught:
        Net(parse_net(NET))
    assert "default, numpy, onednn" in str(caught.value)


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    net = Net(parse_net(NET), seed=1)
    net.forward()
    assert kinds(net)


def test_what_a_layer_ran_backward_on_is_not_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    coefficients = 'top: "sum" eltwise_param { coeff: 0.5 coeff: 2 }'
    batch_norm = (
        'layer { name: "bn2" type: "BatchNorm" bottom: "sum" top: "sum" }\nlayer { name: "ip"'
    )
    text = NET.replace('top: "sum"', coefficients).replace('layer { name: "ip"', batch_norm)
    reference, fast = nets(monkeypatch, text)
    assert reference.forward_backward() == pytest.approx(fast.forward_backward(), rel=1e-5)
    assert np.allclose(reference.blobs["sum"].data, fast.blobs["sum"].data, atol=1e-5)


def test_without_gradients_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    fast.keep_gradients = False
    for fresh in (True, False, False, True):
        assert reference.forward_backward(fresh) == pytest.approx(
            fast.forward_backward(fresh), rel=1e-5
        )
        assert not compared(reference, fast)
    for _ in range(2):
        with pytest.raises(DemitasseError, match='gradient of blob "c1" has not been kept'):
            fast.blobs["c1"].diff  # noqa: B018
    with pytest.raises(DemitasseError, match='gradient of blob "c1" has not been kept'):
        fast.backward(start="c1")
    assert np.allclose(reference.blobs["ip"].diff, fast.blobs["ip"].diff, atol=1e-6)
    fast.forward(start="p")  # the layers take over
    fast.backward()


def test_gradients_that_are_not_kept_take_less_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    chain = "".join(
        f"""
        layer {{ name: "d{k}" type: "Convolution" bottom: "d{k - 1}" top: "d{k}"
                 convolution_param {{ num_output: 6 kernel_size: 1
                                      weight_filler {{ type: "xavier" }} }} }}"""
        for k in range(1, 9)
    )
    text = NET.replace('name: "sum" type: "Eltwise" bottom: "c2"',
                       'name: "d0" type: "TanH" bottom: "c2" top: "d0" }' + chain
                       + 'layer { name: "sum" type: "Eltwise" bottom: "d8"')  # fmt: skip
    reference, fast = nets(monkeypatch, text)
    fast.keep_gradients = False
    reference.forward_backward(fresh=True)
    fast.forward_backward(fresh=True)
    assert not compared(reference, fast)
    plan = fast.passes.fast.plan
    assert plan is not None
    held = {id(t.diff.store) for t in plan.compiler.tensors if t.diff and t.blob.name[0] == "d"}
    assert 2 <= len(held) <= 4


def test_what_batch_norm_wants_again_survives_a_layer_that_runs_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Images of one channel lie alike in both orders, so that all versions could be in one array.
    text = NET.replace("num_output: 6 kernel_size: 3", "num_output: 1 kernel_size: 3")
    head, tail = (
        text[: text.index('layer { name: "scale"')],
        text[text.index('layer { name: "ip"') :],
    )
    scale = 'layer { name: "scale" type: "Scale" bottom: "c1" top: "sum" }'
    text = head + scale + tail
    reference, fast = nets(monkeypatch, text)
    for _ in range(2):
        assert reference.forward_backward(True) == pytest.approx(
            fast.forward_backward(True), rel=1e-5
        )
        assert not compared(reference, fast)


@pytest.mark.parametrize("names", [("c1", "p", "sum", "ip", "loss"), ("p_p_0_split_1",)])
def test_arrays_that_somebody_keeps_are_up_to_date(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    reference, fast = nets(monkeypatch)
    kept = [
        [part for name in names for part in (net.blobs[name].data, net.blobs[name].diff)]
        + [net.blobs["c1"].data[1], net.blobs["c2"].diff[..., 0], net.blobs["x"].data]
        for net in (reference, fast)
    ]
    for x in (0.5, -1.0):
        for net, arrays in zip((reference, fast), kept, strict=True):
            arrays[-1][...] += np.linspace(-x, x, arrays[-1].size).reshape(arrays[-1].shape)
            net.forward_backward(fresh=True)
        for one, other in zip(*kept, strict=True):
            assert np.allclose(one, other, atol=1e-5) and other.any()


def test_what_is_written_into_an_array_that_somebody_keeps_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reference, fast = nets(monkeypatch)
    for net in (reference, fast):
        kept = net.blobs["p"].data[0]
        net.forward()
        net.clear_param_diffs()
        kept *= 2
        net.backward()
    assert not [name for name in compared(reference, fast) if name.startswith("c2")]


def test_arrays_that_nobody_keeps_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = nets(monkeypatch)[1]
    fast.blobs["c1"].data.sum()
    fast.forward_backward(fresh=True)
    fetched: list[Blob] = []
    monkeypatch.setattr(TensorHome, "fetch", lambda home, blob, which: fetched.append(blob))
    fast.forward_backward(fresh=True)
    assert not fetched


def test_a_gradient_that_somebody_keeps_may_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, fast = nets(monkeypatch)
    fast.keep_gradients = False
    kept = fast.blobs["c1"].diff
    for net in (reference, fast):
        net.forward_backward(fresh=True)
    assert not compared(reference, fast)
    with pytest.raises(DemitasseError, match='gradient of blob "c1" has not been kept'):
        fast.blobs["c1"].diff  # noqa: B018
    assert kept.shape == fast.blobs["c1"].shape  # of its values nothing is promised
