"""The compiled SigmoidCrossEntropyLoss against the layer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.harness.engines import compared, kinds, needs_onednn, pair

NET = """
force_backward: true
layer {{ name: "x" type: "Input" top: "x" input_param {{ shape {{ dim: [4, 3, 2] }} }} }}
layer {{ name: "t" type: "Input" top: "t" input_param {{ shape {{ dim: [{targets}] }} }} }}
layer {{ name: "loss" type: "SigmoidCrossEntropyLoss" bottom: "x" bottom: "t" top: "loss"
         propagate_down: [true, false] {param} }}
"""

pytestmark = needs_onednn


@pytest.mark.parametrize("targets", ["4, 3, 2", "4, 6"])
@pytest.mark.parametrize(
    "param", ["", "loss_weight: 0.3", "loss_param { normalization: FULL }", "loss_weight: 2 "
              "loss_param { normalization: NONE }"]
)  # fmt: skip
def test_equals_the_layer(monkeypatch: pytest.MonkeyPatch, targets: str, param: str) -> None:
    reference, fast = pair(monkeypatch, NET.format(targets=targets, param=param))
    rng = np.random.default_rng(2)
    for spread in (1, 30, 300):  # exp would overflow
        scores = spread * rng.normal(size=(4, 3, 2))
        for net in (reference, fast):
            net.blobs["x"].data = scores
            net.blobs["t"].data = abs(np.sin(np.arange(24))).reshape(net.blobs["t"].shape)
        losses = [net.forward_backward(fresh=True) for net in (reference, fast)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        assert not compared(reference, fast)
    assert "SigmoidCrossEntropyLoss" in kinds(fast)


def test_what_is_no_number_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = pair(monkeypatch, NET.format(targets="4, 3, 2", param=""))
    fast.blobs["x"].data[1, 1, 1] = np.nan
    assert np.isnan(fast.forward_backward(fresh=True))


def test_an_ignored_label_is_left_to_the_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    param = "loss_param { ignore_label: 0 }"
    reference, fast = pair(monkeypatch, NET.format(targets="4, 3, 2", param=param))
    losses = [net.forward_backward(fresh=True) for net in (reference, fast)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert not compared(reference, fast) and "SigmoidCrossEntropyLoss" not in kinds(fast)
