"""What callers do wrong from Python: each one clear error, and nothing has changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine import TEST, DemitasseError, Net, Solver
from engine.spec import parse_net, parse_solver

TEXT = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 2 dim: 3 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param {
  num_output: 2 weight_filler { type: "xavier" } } }
layer { name: "loss" type: "EuclideanLoss" bottom: "ip" bottom: "ip" top: "loss" }
"""
SOLVER = "base_lr: 0.1 lr_policy: 'fixed' max_iter: 9 snapshot_after_train: false net_param {%s}"


@pytest.fixture
def solver() -> Solver:
    return Solver(parse_solver(SOLVER % TEXT))


@pytest.mark.parametrize("model", ["a.caffemodel", "a.caffemodel.h5"])
def test_net_and_weights_swapped(model: str) -> None:
    with pytest.raises(DemitasseError, match="changed places") as caught:
        Net(model, "net.prototxt", TEST)
    assert caught.value.expected == f'Net("net.prototxt", "{model}")'


def test_phase_as_text() -> None:
    with pytest.raises(DemitasseError, match="a phase is no text") as caught:
        Net("net.prototxt", "TEST")
    assert caught.value.expected == "engine.TEST"


NETS: dict[str, tuple[Callable[[Net], Any], str, str]] = {
    "array as first argument": (
        lambda net: net.forward(np.zeros((2, 3))),
        "the first argument of forward() is a list of names of blobs to return",
        "values go in by the blob's name: net.forward(data=values)",
    ),
    "number as first argument": (lambda net: net.forward(3), "list of names", ""),
    "unknown blob": (lambda net: net.forward(["dat"]), 'no blob "dat"', 'did you mean "data"?'),
    "unknown gradient": (lambda net: (net.forward(), net.backward(["x"])), 'no blob "x"', ""),
    "ragged": (lambda net: net.forward(data=[[1, 2], [3]]), 'for blob "data" are ragged', ""),
    "text": (lambda net: net.forward(data="cat"), 'for blob "data" are no real numbers', ""),
    "complex": (lambda net: net.forward(data=np.ones((2, 3), complex)), "no real numbers", ""),
    "None": (lambda net: net.forward(data=None), "no real numbers", ""),
    "ragged parameter": (
        lambda net: setattr(net.params["ip"][0], "data", [[1], [2, 3]]), "are ragged", "",
    ),
    "shape of a fraction": (
        lambda net: net.blobs["data"].reshape(1.5, 3), "integers, one for each axis", "",
    ),
    "no file": (lambda net: net.copy_from(None), "not the name of a file", ""),
    "no file to write": (lambda net: net.save(3), "not the name of a file", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", NETS)
def test_nets(name: str) -> None:
    net = Net(parse_net(TEXT), phase=TEST, seed=1)
    before = net.forward()["loss"].copy()
    do, what, hint = NETS[name]
    with pytest.raises(DemitasseError) as caught:
        do(net)
    assert what in str(caught.value) and hint in str(caught.value)
    assert net.forward()["loss"] == before and net.blobs["data"].shape == (2, 3)


@pytest.mark.parametrize("source", [None, 3, ["net.prototxt"], {}], ids=str)
def test_what_nets_and_solvers_are_made_from(source: Any) -> None:
    with pytest.raises(DemitasseError, match="a net is made from a file"):
        Net(source)
    with pytest.raises(DemitasseError, match="a solver is made from a file"):
        Solver(source)


@pytest.mark.parametrize("iterations", [-1, 1.5, "3", None, True], ids=repr)
def test_iterations(solver: Solver, iterations: Any) -> None:
    with pytest.raises(DemitasseError, match=r"step\(\) takes a number of iterations"):
        solver.step(iterations)
    assert solver.iter == 0
    solver.step(np.int64(2))
    assert solver.iter == 2
    solver.step(0)
    assert solver.iter == 2


def test_restore_nothing(solver: Solver) -> None:
    with pytest.raises(DemitasseError) as caught:
        solver.restore(None)  # type: ignore[arg-type]
    assert caught.value.got == "None (NoneType)" and caught.value.expected == "a .solverstate"


def test_a_blob_too_large_is_told_with_its_layer(tmp_path: Path) -> None:
    (tmp_path / "n.prototxt").write_text(
        'layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 1, 9, 9] } } }\n'
        'layer { name: "c" type: "Convolution" bottom: "x" top: "c"\n'
        "  convolution_param { num_output: 2 kernel_size: 4000000000 } }\n"
    )
    with pytest.raises(DemitasseError, match=r'n.prototxt:2:1: blob "c.0." .*too large'):
        Net(tmp_path / "n.prototxt", phase=TEST)
