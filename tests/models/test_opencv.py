"""A model written here is read by another program, and computes the same there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TEST, Net, Solver
from engine.spec import parse_net, read_net, to_prototxt
from tests.harness.places import ROOT

cv2 = pytest.importorskip("cv2", reason="OpenCV's reader of Caffe files is in the dev extra")

TAIL = """
layer { name: "prob" type: "Softmax" bottom: "ip2" top: "prob" }
"""


def deploy() -> str:
    """LeNet without its data and losses: an image in, probabilities out."""
    param = read_net(ROOT / "configs" / "mnist" / "lenet.yaml").param
    kept = [layer for layer in param.layer if layer.type not in ("ArrayData", "Accuracy")]
    del param.layer[:]
    param.layer.extend(layer for layer in kept if layer.type != "SoftmaxWithLoss")
    head = 'layer { name: "in" type: "Input" top: "data" input_param { shape { dim: [3, 1, 28, 28] } } }\n'  # noqa: E501
    return head + to_prototxt(param) + TAIL


def test_a_trained_net_gives_the_same_output_in_opencv(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ["solver.snapshot_prefix=lenet", "solver.test_initialization=false"]
    solver = Solver(ROOT / "configs" / "mnist" / "lenet.yaml", options)
    solver.step(5)
    model = solver.snapshot().with_suffix(".caffemodel")
    Path("deploy.prototxt").write_text(deploy())
    images = np.random.default_rng(0).random((3, 1, 28, 28), dtype=np.float32)

    net = Net(parse_net(deploy()), phase=TEST, weights=model)
    mine = net.forward(data=images)["prob"]

    other = cv2.dnn.readNetFromCaffe("deploy.prototxt", str(model))
    other.setInput(images)
    np.testing.assert_allclose(other.forward(), mine, rtol=1e-4, atol=1e-6)
