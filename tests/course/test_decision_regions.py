"""Topic 1: the regions set by hand are the shapes of the page, and the learned ones are near."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import LayerError, Net
from tools import cli
from tools.plotting.decision import classify
from tools.topics.decision_regions import ROWS, agreement, learn, points
from tools.topics.desk import CONFIGS, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(1, tmp_path)


def inside(vertices: list[tuple[float, float]], samples: np.ndarray) -> np.ndarray:
    """Whether points lie in a convex polygon, its vertices given counterclockwise."""
    result = np.ones(len(samples), bool)
    for (x0, y0), (x1, y1) in zip(vertices, vertices[1:] + vertices[:1], strict=True):
        result &= (x1 - x0) * (samples[:, 1] - y0) > (y1 - y0) * (samples[:, 0] - x0)
    return result


TRIANGLE = [(-1.5, -1.0), (1.5, -1.0), (0.0, 1.4)]
SMALL = [(-1.6, -1.0), (-0.2, -1.0), (-0.9, 0.8)]
SQUARE = [(0.3, -0.2), (1.5, -0.2), (1.5, 1.2), (0.3, 1.2)]


def test_shapes(desk: Desk) -> None:
    p = points(5000)
    expected = {
        "one_layer": p[:, 0] + 2 * p[:, 1] > 0.5,
        "two_layers": inside(TRIANGLE, p),
        "two_layers_open": inside([(-26.5, -41.0), (26.5, -41.0), (0.0, 1.4)], p),
        "three_layers": inside(SMALL, p) | inside(SQUARE, p),
    }
    for name, region in expected.items():
        np.testing.assert_array_equal(classify(desk.net(name), p), region, err_msg=name)


@pytest.mark.parametrize(("name", "least"), list(zip(ROWS, (0.99, 0.98, 0.98, 0.96), strict=True)))
def test_learned(desk: Desk, name: str, least: float) -> None:
    assert agreement(desk.net(name), learn(desk, name)) >= least


def test_steps_let_no_gradient_through(desk: Desk) -> None:
    net = desk.net("two_layers")
    net.forward()
    with pytest.raises(LayerError, match="has no derivative"):
        net.backward()


def test_a_line_can_be_moved(tmp_path: Path) -> None:
    moved = ["net.layer.lines.blobs.1.data=[0.5, 2.1, 2.1]"]
    net = Net(CONFIGS / "01_two_layers.yaml", phase=1, overrides=moved)
    assert classify(net, np.array([[0, -0.8], [0, -0.4]])).tolist() == [0, 1]
    command = ["plot", "decision", str(CONFIGS / "01_two_layers_open.yaml")]
    assert cli.main([*command, "-o", str(tmp_path / "open.png")]) == 0
