"""Topic 6: the numbers of the page, to the last digit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tools.topics.computational_graphs import NEURON
from tools.topics.desk import Desk, gradients


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(6, tmp_path)


def test_product_of_a_sum(desk: Desk) -> None:
    net = desk.drawn("computational_graphs")
    assert net.blobs["f"].data.item() == -12
    assert gradients(net, "xyzqf") == {"x": -4, "y": -4, "z": 3, "q": -4, "f": 1}


@pytest.mark.parametrize("name", ["sigmoid_neuron", "sigmoid_gate"])
def test_neuron(desk: Desk, name: str) -> None:
    net = desk.drawn(name)
    f = 1 / (1 + math.exp(-1))
    slope = f * (1 - f)
    assert net.blobs["f"].data.item() == pytest.approx(f, rel=1e-14)
    exact = [-1 * slope, 2 * slope, -2 * slope, -3 * slope, slope]
    assert list(gradients(net, NEURON).values()) == pytest.approx(exact, rel=1e-12)
    rounded = [round(value, 2) for value in gradients(net, NEURON).values()]
    assert rounded == [-0.2, 0.39, -0.39, -0.59, 0.2]


def test_gates_of_the_neuron(desk: Desk) -> None:
    net = desk.drawn("sigmoid_neuron")
    found = gradients(net, ["plus_one", "exp", "minus", "s"])
    assert [round(value, 4) for value in found.values()] == [-0.5344, -0.5344, -0.1966, 0.1966]


def test_picture_says_it(desk: Desk) -> None:
    desk.drawn("sigmoid_gate")
    text = desk.pictures[0].read_text()
    assert "d/ds: 0.1966 \N{MULTIPLICATION SIGN} 1 = 0.1966" in text
    assert "d/dx0: 2 \N{MULTIPLICATION SIGN} 0.1966 = 0.3932" in text
