"""Layers that change a blob in place one after the other: derivatives are the layers' own.

Caffe's layers tell them from what the blob holds in the end.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.harness.engines import compared, kinds, needs_onednn, pair

pytestmark = needs_onednn

FILLERS = 'weight_filler { type: "xavier" } bias_filler { type: "uniform" min: -0.5 max: 0.5 }'
BEFORE = f"""
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [3, 4, 4, 5] }} }} }}
layer {{ name: "h" type: "Convolution" bottom: "x" top: "h"
         convolution_param {{ num_output: 4 kernel_size: 1 {FILLERS} }} }}
"""
AFTER = f"""
layer {{ name: "end" type: "InnerProduct" bottom: "TOP" top: "end"
         inner_product_param {{ num_output: 3 {FILLERS} }} }}
layer {{ name: "loss" type: "Reduction" bottom: "end" top: "loss" loss_weight: 1
         reduction_param {{ operation: SUMSQ }} }}
"""
LAYERS = {
    "Scale": '"Scale" scale_param { filler { type: "uniform" min: -1 max: 1 } }',
    "Power": '"Power" power_param { scale: -0.5 shift: 0.3 }',
    "leaky ReLU": '"ReLU" relu_param { negative_slope: 0.2 }',
    "LRN": '"LRN" lrn_param { local_size: 3 }',
}
CHAINS = [
    ("ReLU", "BatchNorm", "Scale"),
    ("ReLU", "Power"),
    ("ReLU", "Dropout", "Scale"),
    ("leaky ReLU", "BatchNorm"),
    ("BatchNorm", "Scale", "ReLU", "Power"),
    ("Sigmoid", "Scale"),
    ("TanH", "BatchNorm"),
    ("ELU", "BatchNorm", "ReLU"),
    ("LRN", "ReLU"),
    ("Softmax", "Power"),
    ("Softmax",),
    ("PReLU", "Power"),
    ("ReLU", "PReLU", "PReLU"),
    ("PReLU", "Softmax", "Dropout"),
    ("Sigmoid", "Softmax"),
    ("TanH", "PReLU", "TanH"),
]


def net(chain: tuple[str, ...], first_top: str) -> str:
    """The chain in place on a convolution's top, or on the first one's."""
    text, bottom = BEFORE, "h"
    for index, name in enumerate(chain):
        kind = LAYERS.get(name, f'"{name}"')
        text += f'layer {{ name: "l{index}" type: {kind} bottom: "{bottom}" top: "{first_top}" }}\n'
        bottom = first_top
    return text + AFTER.replace("TOP", bottom)


@pytest.mark.parametrize("first_top", ["h", "g"], ids=["in place", "apart"])
@pytest.mark.parametrize("chain", CHAINS, ids=", ".join)
def test_equals_the_layers(
    monkeypatch: pytest.MonkeyPatch, chain: tuple[str, ...], first_top: str
) -> None:
    nets = reference, fast = pair(monkeypatch, net(chain, first_top))
    for look in (False, True):
        for each in nets:
            each.forward()
            assert not look or each.blobs[first_top].data.any()
            each.backward()
        assert not compared(reference, fast, 1e-5)
    assert "Convolution" in kinds(fast)


def test_a_gradient_looked_at_after_an_update(monkeypatch: pytest.MonkeyPatch) -> None:
    nets = reference, fast = pair(monkeypatch, net(("BatchNorm", "Scale", "ReLU"), "g"))
    for fresh in (True, False, True):  # the two are compiled one by one
        for each in nets:
            each.forward_backward(fresh)
            each.arena.data *= 0.9
        assert not compared(reference, fast, 1e-5)
    assert "BatchNorm" in kinds(fast)


@pytest.mark.parametrize("batch", [2, 5])
def test_another_batch_size_behind_a_batch_norm(
    monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    text = net(("BatchNorm", "Scale", "ReLU"), "g")
    nets = reference, fast = pair(monkeypatch, text[: text.index('layer { name: "end"')])
    for size in (3, batch):
        x = np.random.default_rng(0).normal(size=(size, 4, 4, 5))
        for each in nets:
            each.forward(x=x)
            each.backward(g=x)
        assert not compared(reference, fast, 1e-5)


def test_a_dropout_keeps_its_relu_fused(monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = pair(monkeypatch, net(("ReLU", "Dropout"), "h"))
    fast.forward()
    assert kinds(fast) == ["Reference", "Convolution", "Reference", "InnerProduct", "Reference"]
