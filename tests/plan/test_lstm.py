"""The compiled LSTM against the layer: sequences that begin in the middle, states carried on."""

from __future__ import annotations

import numpy as np
import pytest

from tests.harness.engines import compared, kinds, needs_onednn, pair

NET = """
force_backward: true
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [5, 3, 2, 4] } } }
layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: [5, 3] } } }
layer { name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
        recurrent_param { num_output: 6 weight_filler { type: "xavier" } FROZEN
                          bias_filler { type: "constant" value: 0.1 } } PARAM }
layer { name: "t" type: "DummyData" top: "t"
        dummy_data_param { shape { dim: [5, 3, 6] } data_filler { type: "constant" value: 0.3 } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "t" top: "loss" }
"""

pytestmark = needs_onednn


@pytest.mark.parametrize("param", ["", "param { lr_mult: 0 } param { lr_mult: 0 }"])
def test_equals_the_layer(monkeypatch: pytest.MonkeyPatch, param: str) -> None:
    reference, fast = pair(monkeypatch, NET.replace("FROZEN", "").replace("PARAM", param))
    rng = np.random.default_rng(5)
    for fresh in (True, False, True):
        cont = (rng.random((5, 3)) < 0.7).astype(np.float32)
        for net in (reference, fast):
            net.blobs["cont"].data = cont
        losses = [net.forward_backward(fresh) for net in (reference, fast)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)
        assert not compared(reference, fast)
        for one, other in zip(
            reference.layer_dict["lstm"].carried, fast.layer_dict["lstm"].carried, strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    assert "LSTM" in kinds(fast)
