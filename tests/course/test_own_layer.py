"""Topic 8: the page shows the files that run, and they do what it says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.harness.places import ROOT
from tools.topics.desk import CONFIGS, Desk
from tools.topics.own_layer import X, own_layer, sigmoid


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(8, tmp_path)


def test_page_shows_the_files() -> None:
    page = (ROOT / "docs" / "course" / "08_own_layer.md").read_text()
    shown = re.findall(r"```python\n(.*?)```", page, re.S)
    assert shown == [(CONFIGS / name).read_text() for name in ("softsign.py", "08_own_layer.py")]


def test_sigmoid(desk: Desk) -> None:
    y, slope = sigmoid(desk)
    exact = 1 / (1 + np.exp(-X))
    np.testing.assert_allclose(y, exact, rtol=1e-12)
    np.testing.assert_allclose(slope, exact * (1 - exact), rtol=1e-9)


def test_script(desk: Desk) -> None:
    out = own_layer(desk)
    assert "All gradients are right." in out
    accuracy = re.findall(r"accuracy = ([\d.]+)", out)
    assert float(accuracy[-1]) > 0.9


def test_ten_lines() -> None:
    code = (CONFIGS / "softsign.py").read_text()
    layer = code[code.index("@register_layer") :]
    assert len([line for line in layer.splitlines() if line]) <= 10


def test_a_wrong_backward_is_caught(tmp_path: Path) -> None:
    desk = Desk(8, tmp_path)
    for name in ("softsign.py", "08_own_layer.py", "08_own_layer.yaml", "digits.yaml"):
        text = (CONFIGS / name).read_text().replace("mnist/", f"{ROOT}/configs/mnist/")
        (tmp_path / name).write_text(text.replace(")) ** 2", "))"))
    desk.config = lambda name: tmp_path / f"08_{name}.yaml"  # type: ignore[method-assign]
    with pytest.raises(Exception, match="script of this topic failed"):
        own_layer(desk)
