"""Topic 3: the budget is kept, and depth helps as far as the page says."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tools.topics.depth import BUDGET, DEPTHS, SEEDS, parameters, score, width
from tools.topics.desk import Desk, held_out_accuracy, trained


def test_budget(tmp_path: Path) -> None:
    assert [width(depth) for depth in DEPTHS] == [125, 110, 100, 92]
    for depth in DEPTHS:
        settings = [f"vars.depth={depth}", f"vars.width={width(depth)}"]
        net = Desk(3, tmp_path).net("depth", settings)
        count = sum(param.blob.count for param in net.learnable)
        assert (
            count == parameters(depth, width(depth)) <= BUDGET < parameters(depth, width(depth) + 1)
        )


def test_depth_helps_a_little(tmp_path: Path) -> None:
    desk = Desk(3, tmp_path)
    one, three = ([score(desk, depth, seed) for seed in SEEDS] for depth in (1, 3))
    assert 0.9 < np.mean(one) < np.mean(three) - 0.005 < 0.96


def test_sigmoids_turn_the_order_round(tmp_path: Path) -> None:
    desk = Desk(3, tmp_path)
    found = []
    for depth in (1, 4):
        settings = [f"vars.depth={depth}", f"vars.width={width(depth)}", "vars.activation=Sigmoid"]
        found.append(held_out_accuracy(trained(desk, "depth", settings)))
    assert found[1] < found[0] - 0.2
