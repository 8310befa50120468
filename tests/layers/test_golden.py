"""Every golden case: equal to what real Caffe computed, and to its numerical gradient."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from layers import find_layer
from tests.harness.golden_layers import Case, all_cases, is_input, run_case
from tests.harness.gradient_check import GradientCheck, has_backward
from tests.harness.places import golden_folders

CASES = all_cases()


def known(case: Case) -> Case:
    if find_layer(case.info["type"]) is None:
        pytest.skip(f"no layer {case.info['type']} yet")
    return case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_equals_caffe(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(known(case).folder)
    run_case(case)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.info["backward"]], ids=lambda case: case.name
)
def test_gradient(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(known(case).folder)
    golden, net = case.arrays(), case.net(dtype=np.float64)
    node = next(node for node in net.nodes if node.layer.name == "l")
    if not has_backward(node.layer) or not (node.bottom or node.layer.blobs):
        return
    for index, blob in enumerate(node.layer.blobs):
        blob.data = golden[f"param_{index}"]
    for index, blob in enumerate(node.bottom):
        blob.data = golden[f"bottom_{index}"]
    GradientCheck(net, node).run()


def test_no_case_is_left_out() -> None:
    for folder in golden_folders("layers"):
        files = {Path(name).stem for name in os.listdir(folder) if name.endswith(".npz")}
        assert files == {case.name for case in CASES if (folder / f"{case.name}.npz").exists()}


def test_inputs_are_told_from_outputs() -> None:
    assert is_input("param_0") and is_input("step2_bottom_1") and is_input("top_diff_0")
    assert not is_input("param_after_0") and not is_input("step2_top_0")
    assert not is_input("bottom_diff_0") and not is_input("param_diff_3")
