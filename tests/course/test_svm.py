"""Topic 11: the graph is the formula, gradients included, and both losses learn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.topics.desk import Desk, held_out_accuracy, trained
from tools.topics.svm import LOSSES, hinge


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(11, tmp_path)


def test_graph_is_the_formula(desk: Desk) -> None:
    net = desk.net("svm")
    weights = net.params["W"][0]
    weights.data = np.random.default_rng(1).normal(0, 0.05, weights.shape)
    net.forward()
    net.clear_param_diffs()
    net.backward()
    x = net.blobs["data"].data.reshape(100, 784)
    labels = net.blobs["label"].data.astype(int)
    loss, by_scores = hinge(x @ weights.data.T, labels)
    assert net.blobs["loss"].data.item() == pytest.approx(loss, rel=1e-6)  # coeff is a float32
    penalty = 0.005 * (weights.data**2).sum()
    assert net.blobs["penalty"].data.item() == pytest.approx(penalty, rel=1e-6)
    expected = by_scores.T @ x + 0.01 * weights.data
    np.testing.assert_allclose(weights.diff, expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", LOSSES)
def test_learns(desk: Desk, name: str) -> None:
    assert held_out_accuracy(trained(desk, name)) > 0.87


def test_penalty_is_weight_decay(desk: Desk) -> None:
    quick = "solver.max_iter=30"
    by_graph = trained(desk, "svm", (quick,))
    no_penalty = "net.layer.penalty.loss_weight=[0]"
    by_solver = trained(desk, "svm", (quick, no_penalty, "solver.weight_decay=0.01"))
    mine, theirs = (solver.net.params["W"][0].data for solver in (by_graph, by_solver))
    np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert np.abs(mine).max() > 0.01
