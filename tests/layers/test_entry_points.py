"""Layers of other packages, which an installed distribution announces as entry points."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import LayerError, Net
from engine.spec import parse_net
from layers import find_layer, layer_types, registry
from tools import cli

TRIPLE = '''
"""Triple: y = 3 x."""
from layers import NeuronLayer, register_layer

@register_layer("TYPE")
class Triple(NeuronLayer):
    """Three times as much."""
    def forward(self, bottom, top):
        top[0].data[...] = 3 * bottom[0].data
'''
NET = """
layer { name: "x" type: "Input" top: "x" input_param { shape { dim: 2 } } }
layer { name: "y" type: "Triple" bottom: "x" top: "y" }
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed packages; what they register is forgotten afterwards."""
    monkeypatch.setattr(registry, "_classes", dict(registry._classes))
    monkeypatch.setattr(registry, "_loaded", False)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("tripling", "broken"):
        sys.modules.pop(name, None)


def install(site: Path, module: str, code: str, point: str = "") -> None:
    """What pip leaves behind of a package with one module."""
    info = site / f"demitasse_{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: demitasse-{module}\nVersion: 1.0\n"
    )
    (info / "entry_points.txt").write_text(f"[demitasse.layers]\n{module} = {point or module}\n")
    (site / f"{module}.py").write_text(code)


def test_registers(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(site, "tripling", TRIPLE.replace("TYPE", "Triple"))
    assert "Triple" in layer_types()
    out = Net(parse_net(NET)).forward(x=np.ones(2))["y"]
    np.testing.assert_array_equal(out, [3, 3])
    assert cli.main(["layers"]) == 0
    assert "tripling: Layers of the package tripling" in (text := capsys.readouterr().out)
    assert "  Triple    y = 3 x" in text
    assert cli.main(["layers", "Triple"]) == 0
    assert "Three times as much." in capsys.readouterr().out
    assert cli.main(["layers", "--markdown"]) == 0
    assert "Triple" not in capsys.readouterr().out  # docs/layers.md is about our own


BROKEN = {
    "raises": ("import math\n1 / 0", "", ["broken.py:2: ZeroDivisionError"]),
    "needs another": ("import not_installed", "", ["broken.py:1: ModuleNotFoundError"]),
    "syntax": ("def f(:", "", ["SyntaxError", "broken.py, line 1"]),
    "no such module": ("", "brokem", ["No module named 'brokem'"]),
    "no such class": ("", "broken:Layer", ["has no attribute 'Layer'"]),
    "type taken": (TRIPLE.replace("TYPE", "ReLU"), "", ['"ReLU"', "registered twice"]),
    "name and type taken": (
        TRIPLE.replace("TYPE", "ReLU").replace("class Triple", "class ReLU"),
        "",
        ["broken.ReLU", "only layers.activation.relu.ReLU"],
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_package(case: str, site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, point, words = BROKEN[case]
    install(site, "broken", code, point)
    for _ in range(2):  # the second look fails like the first
        with pytest.raises(LayerError) as caught:
            find_layer("ReLU")
        for word in ('package "demitasse-broken"', "pip uninstall demitasse-broken", *words):
            assert word in str(caught.value)
    assert caught.value.__cause__ is not None
    assert cli.main(["layers"]) == 2
    assert "Traceback" not in capsys.readouterr().err
