"""Topic 7: what each gate does with a gradient of 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.topics.desk import Desk, gradients


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("add", -2, {"x": 2, "y": 2}),
        ("max", 6, {"x": 2, "y": 0}),
        ("multiply", -24, {"x": -8, "y": 6}),
        ("branch", 24, {"x": 14}),
    ],
)
def test_pattern(name: str, value: float, expected: dict[str, float], tmp_path: Path) -> None:
    net = Desk(7, tmp_path).drawn(name)
    assert net.blobs["f"].data.item() == value
    assert net.blobs["q"].diff.item() == 2
    assert gradients(net, expected) == expected


def test_branches_add(tmp_path: Path) -> None:
    desk = Desk(7, tmp_path)
    split = next(node for node in desk.drawn("branch").nodes if node.layer.type == "Split")
    assert sorted(top.diff.item() for top in split.top) == [2, 12]
    assert "branch" in desk.pictures[0].read_text()
