"""Topic 9: formula, backward and differences give the same sensitivities."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.topics.desk import Desk
from tools.topics.sensitivity import LAYERS, by_backward, by_differences, by_formula


def test_three_ways(tmp_path: Path) -> None:
    net = Desk(9, tmp_path).drawn("sensitivity")
    formula, backward, differences = by_formula(net), by_backward(net), by_differences(net)
    for layer in LAYERS:
        np.testing.assert_allclose(backward[layer], formula[layer], rtol=1e-12)
        np.testing.assert_allclose(differences[layer], formula[layer], atol=1e-9)


def test_gradients_of_the_weights(tmp_path: Path) -> None:
    net = Desk(9, tmp_path).drawn("sensitivity")
    for layer, delta in by_formula(net).items():
        below = net.blobs[f"a{layer - 1}"].data[0]
        weights, bias = net.params[f"net{layer}"]
        np.testing.assert_allclose(weights.diff, np.outer(delta, below), rtol=1e-12)
        np.testing.assert_allclose(bias.diff, delta, rtol=1e-12)


def test_forward_by_hand(tmp_path: Path) -> None:
    net = Desk(9, tmp_path).drawn("sensitivity")
    into = np.array([0.5 + 0.5 + 0.1, 1 - 1 - 0.2, -1.5 - 0.25 + 0.3])
    np.testing.assert_allclose(net.blobs["net1"].data[0], into, rtol=1e-6)
    error = ((net.blobs["a3"].data - [1, 0]) ** 2).sum()
    np.testing.assert_allclose(net.blobs["E"].data, error, rtol=1e-12)
