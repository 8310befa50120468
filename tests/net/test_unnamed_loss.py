"""A loss without a top, as old configs write it: it counts, but has no name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TRAIN, Net, Solver
from engine.spec import parse_net, read_solver

BODY = """
layer { name: "x" type: "DummyData" top: "x" top: "y" dummy_data_param {
  shape { dim: [4, 3] } shape { dim: 4 }
  data_filler { type: "gaussian" } data_filler { type: "constant" value: 1 } } }
layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc"
  inner_product_param { num_output: 2 weight_filler { type: "constant" value: 0.1 } } }
"""
LOSSES = ["SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss"]


@pytest.mark.parametrize("loss", LOSSES)
def test_equals_a_loss_with_a_top(loss: str) -> None:
    text = BODY + f'layer {{ name: "loss" type: "{loss}" bottom: "fc" bottom: "y" TOP }}'
    nets = [Net(parse_net(text.replace("TOP", top)), phase=TRAIN) for top in ("", 'top: "loss"')]
    for net in nets:
        net.blobs["x"].data[...] = np.arange(12).reshape(4, 3)
        net.forward(start="fc")
        net.backward()
    unnamed, named = nets
    assert "loss" not in unnamed.blobs
    assert np.any(unnamed.params["fc"][0].diff)
    assert np.array_equal(unnamed.params["fc"][0].diff, named.params["fc"][0].diff)


def test_a_v1_net_trains_and_tests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = 'layers { name: "d" type: DUMMY_DATA top: "x" top: "y" dummy_data_param {'
    data += " num: [4, 4] channels: [2, 1] height: [1, 1] width: [1, 1] } }"
    ip = 'layers { name: "ip" type: INNER_PRODUCT bottom: "x" top: "ip" blobs_lr: 1 blobs_lr: 2'
    ip += " inner_product_param { num_output: 2 } }"
    loss = 'layers { name: "loss" type: SOFTMAX_LOSS bottom: "ip" bottom: "y" }'
    (tmp_path / "net.prototxt").write_text("\n".join([data, ip, loss]))
    (tmp_path / "solver.prototxt").write_text(
        'net: "net.prototxt" base_lr: 0.1 lr_policy: "fixed" max_iter: 2 test_iter: 1'
        " test_interval: 1 snapshot_after_train: false"
    )
    solver = Solver(read_solver(tmp_path / "solver.prototxt"))
    with caplog.at_level("INFO"):
        solver.step(2)
    assert "no outputs" in caplog.text
    assert solver.net.params["ip"][1].data[0] > 0 > solver.net.params["ip"][1].data[1]
