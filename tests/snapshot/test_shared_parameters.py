"""Snapshots of nets whose layers share parameters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Net, Solver
from engine.net.weights import copy_from
from engine.spec import parse_solver

SHARED = """
base_lr: 0.1 lr_policy: "fixed" momentum: 0.9 max_iter: 4 random_seed: 1 snapshot_format: %s
snapshot_prefix: "%s"
net_param {
  layer { name: "in" type: "DummyData" top: "a" top: "b" top: "same" dummy_data_param {
    shape { dim: [3, 4] } shape { dim: [3, 4] } shape { dim: 3 }
    data_filler { type: "gaussian" } data_filler { type: "gaussian" } data_filler { value: 1 } } }
  layer { name: "left" type: "InnerProduct" bottom: "a" top: "left" param { name: "w" }
    param { name: "c" } inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "right" type: "InnerProduct" bottom: "b" top: "right" param { name: "w" }
    param { name: "c" } inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
  layer { name: "loss" type: "ContrastiveLoss" bottom: "left" bottom: "right" bottom: "same"
    top: "loss" }
}
"""


def weights(net: Net) -> np.ndarray:
    return net.params["right"][0].data.copy()


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_a_layer_whose_parameters_another_owns(tmp_path: Path, form: str) -> None:
    """HDF5 files, as Caffe's, have parameters under their owners only."""
    if form == "HDF5":
        pytest.importorskip("h5py")
    text = SHARED % (form, tmp_path / "s")
    whole = Solver(parse_solver(text))
    whole.step(2)
    path = whole.snapshot()
    whole.step(2)
    resumed = Solver(parse_solver(text))
    resumed.restore(path)
    assert resumed.iter == 2
    resumed.step(2)
    assert np.array_equal(weights(resumed.net), weights(whole.net))
    other = Solver(parse_solver(text.replace("random_seed: 1", "random_seed: 2"))).net
    report = copy_from(other, next(tmp_path.glob("s_iter_2.caffemodel*")))
    assert "left" in report.copied and not report.missing and not report.mismatched
    assert np.array_equal(weights(other), other.params["left"][0].data)
