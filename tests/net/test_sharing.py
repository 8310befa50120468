"""`Net.share_with`: parameters of two nets in the same memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engine
from engine import Net, Solver
from engine.spec import parse_net
from layers import LayerError
from tests.harness.places import ROOT

TEXT = """
layer {{ name: "data" type: "Input" top: "data" input_param {{ shape {{ dim: {n} dim: 4 }} }} }}
layer {{ name: "ip" type: "InnerProduct" bottom: "data" top: "ip"
        inner_product_param {{ num_output: 3 }} }}
layer {{ name: "{last}" type: "InnerProduct" bottom: "ip" top: "out"
        inner_product_param {{ num_output: 2 }} }}
"""
BAD = ROOT / "tests" / "check" / "bad"


def net(n: int, last: str) -> Net:
    return Net(parse_net(TEXT.format(n=n, last=last)), phase=engine.TEST)


def test_layers_of_the_same_name_are_shared_whatever_the_batch() -> None:
    one, other = net(2, "b"), net(7, "c")
    one.share_with(other)
    for mine, theirs in zip(one.params["ip"], other.params["ip"], strict=True):
        assert np.shares_memory(mine.data, theirs.data)
    assert not np.shares_memory(one.params["b"][0].data, other.params["c"][0].data)


def test_a_solver_refuses_nets_of_different_shapes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(BAD)
    text = 'net: "DM302_phases.yaml" base_lr: 1 lr_policy: "fixed" max_iter: 1'
    solver = tmp_path / "solver.prototxt"
    solver.write_text(f'{text} test_iter: 1 test_interval: 1 snapshot_prefix: "{tmp_path}/s"')
    with pytest.raises(LayerError) as caught:
        Solver(solver).solve()
    checked = (BAD / "DM302_phases.yaml.txt").read_text()
    assert caught.value.id == "DM302" and str(caught.value) in checked.replace(" [DM302]", "")
