"""Topic 12: as many parameters, and LeNet is ahead on digits and on moved digits."""

from __future__ import annotations

from pathlib import Path

from tools.topics.convolution import FIRST, NETS, moved_accuracy, parameters
from tools.topics.desk import Desk, held_out_accuracy, trained


def test_numbers(tmp_path: Path) -> None:
    desk = Desk(12, tmp_path)
    mlp, lenet = (trained(desk, name) for name in NETS.values())
    assert parameters(mlp.net) == 430_900 and parameters(lenet.net) == 431_080
    first = [sum(blob.count for blob in solver.net.params[FIRST[name]])
             for name, solver in zip(NETS, (mlp, lenet), strict=True)]  # fmt: skip
    assert first == [425_470, 520]
    scores = [held_out_accuracy(solver) for solver in (mlp, lenet)]
    assert 0.9 < scores[0] < scores[1] - 0.02 and scores[1] > 0.95
    moved = [moved_accuracy(solver) for solver in (mlp, lenet)]
    assert moved[0] < 0.45 and moved[1] > moved[0] + 0.1
