"""Real trained models give the outputs that another reader of Caffe's files computed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import TEST, Net
from engine.spec import read_net
from layers import find_layer
from tests.harness.places import SHARED, needs_shared

MODELS = sorted(path.parent for path in (SHARED / "models").glob("*/expected.npz"))
pytestmark = needs_shared


def description(folder: Path) -> Path:
    """The net without data layers and losses; ``_derived`` where the original had them."""
    derived = folder / "deploy_derived.prototxt"
    return derived if derived.exists() else folder / "deploy.prototxt"


@pytest.mark.parametrize("folder", MODELS, ids=lambda path: path.name)
def test_outputs(folder: Path) -> None:
    spec = read_net(description(folder))
    unknown = {layer.type for layer in spec.param.layer if find_layer(layer.type) is None}
    if unknown:
        pytest.skip(f"no layers {', '.join(sorted(unknown))} yet")
    net = Net(spec, phase=TEST, weights=folder / "model.caffemodel")
    with np.load(folder / "expected.npz") as file:
        expected = dict(file)
    inputs = {k.removeprefix("input__"): v for k, v in expected.items() if k.startswith("input__")}
    net.forward(**inputs)
    for key, wanted in expected.items():
        if not key.startswith("out__"):
            continue
        layer = net.nodes[net.layer_names.index(key.removeprefix("out__"))]
        found = layer.top[0].data
        assert found.size == wanted.size
        error = np.abs(found.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max()
        assert error <= 1e-4, f"{key}: {error:.2g}"
