"""Topic 4: the two gradients agree, the wrong one is caught, and errors go as the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.net.gradient_check import NetCheck
from tests.harness.places import ROOT
from tools import cli
from tools.topics.desk import Desk
from tools.topics.gradients import STEPS, errors_by_step, wrong_net


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(4, tmp_path)


def test_right(desk: Desk) -> None:
    check = NetCheck(desk.net("gradients"))
    found = check.compare(10)
    assert [one.variable.values.size for one in found] == [7840, 30 * 784, 30, 300, 10]
    assert sum(one.variable.values.size for one in found[1:]) == 23_860
    assert all(one.error < 1e-6 for one in found)


def test_wrong(desk: Desk) -> None:
    found, _ = wrong_net(desk)
    assert [one.layer for one in found if not one.passed] == ["tanh"]


def test_commands_of_the_page() -> None:
    folder = ROOT / "configs" / "course"
    right, wrong = (str(folder / f"04_{name}.yaml") for name in ("gradients", "wrong_derivative"))
    assert cli.main(["gradcheck", right, "--whole", "--elements", "5"]) == 0
    assert cli.main(["gradcheck", right, "--layer", "score", "--elements", "5"]) == 0
    assert cli.main(["gradcheck", wrong, "--allow-code", "--elements", "5"]) == 1


def test_errors_by_step(desk: Desk) -> None:
    one_sided, central = errors_by_step(NetCheck(desk.net("gradients")))
    for error, order in ((one_sided, 1), (central, 2)):
        ratio = error[6] / error[4]  # a step ten times smaller, where the curve bends
        assert ratio == pytest.approx(10.0**-order, rel=0.3)
    assert central.min() < 1e-9 < one_sided.min() < 1e-6
    assert 1e-7 < STEPS[central.argmin()] < 1e-2
    assert central[-1] > 1e-6  # round-off
