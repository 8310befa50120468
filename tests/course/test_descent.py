"""Topic 5: each path is what its formula gives, step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.topics.descent import BEST, METHODS, Surface, path
from tools.topics.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(5, tmp_path)


def by_formula(surface: Surface, name: str, start: np.ndarray, steps: int) -> np.ndarray:
    """The same path from the formulas of the page, in float64."""
    settings = dict(setting.split("=") for setting in METHODS[name])
    a, m = float(settings["base_lr"]), float(settings.get("momentum", 0))
    w, h, v = start.astype(float), np.zeros(2), np.zeros(2)
    found = [w.copy()]
    for t in range(1, steps + 1):
        g = surface.gradient(w)
        if settings["type"] == "SGD":
            h = m * h + a * g
            w = w - h
        elif settings["type"] == "Nesterov":
            before, h = h, m * h + a * g
            w = w - ((1 + m) * h - m * before)
        elif settings["type"] == "AdaGrad":
            v += g**2
            w = w - a * g / (np.sqrt(v) + 1e-8)
        elif settings["type"] == "RMSProp":
            v = 0.9 * v + 0.1 * g**2
            w = w - a * g / (np.sqrt(v) + 1e-8)
        else:
            h, v = m * h + (1 - m) * g, 0.999 * v + 0.001 * g**2
            w = w - a * np.sqrt(1 - 0.999**t) / (1 - m**t) * h / (np.sqrt(v) + 1e-8)
        found.append(w.copy())
    return np.array(found)


@pytest.mark.parametrize("name", METHODS)
def test_path(desk: Desk, name: str) -> None:
    found, surface = path(desk, name), Surface(desk)
    assert found.shape == (41, 2)
    expected = by_formula(surface, name, found[0], 25)
    np.testing.assert_allclose(found[:26], expected, atol=2e-4)
    assert surface.loss(found[-1]) < 0.02 * surface.loss(found[0])


def test_the_valley(desk: Desk) -> None:
    surface = Surface(desk)
    assert surface.loss(np.array(BEST)) < 1e-12
    flat, steep = np.linalg.eigvalsh(surface.x.T @ surface.x / 2)
    assert steep == pytest.approx(4, abs=0.01) and steep / flat == pytest.approx(16, rel=0.02)


def test_beyond_the_largest_rate(desk: Desk) -> None:
    METHODS["too fast"] = ["type=SGD", "base_lr=0.52"]
    try:
        found, surface = path(desk, "too fast"), Surface(desk)
    finally:
        del METHODS["too fast"]
    assert surface.loss(found[-1]) > surface.loss(found[0])
