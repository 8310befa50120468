"""A transformer block is a config file, and it learns."""

from __future__ import annotations

import numpy as np

from engine import Solver
from engine.spec import read_solver
from tests.harness.places import ROOT

CONFIG = ROOT / "configs" / "examples" / "transformer.yaml"


def test_loss_falls() -> None:
    solver = Solver(CONFIG)
    losses = []
    for _ in range(40):
        solver.step(1)
        losses.append(float(solver.net.blobs["loss"].data))
    assert np.mean(losses[:3]) > 2.1  # the loss of guessing is log 10 = 2.3
    assert np.mean(losses[-5:]) < 0.7


def test_attention_needs_the_places() -> None:
    """Without the learned places the block cannot tell rows apart; with them it can."""
    solver = Solver(CONFIG)
    net = solver.net
    net.forward()
    rows = net.blobs["rows"]
    block = net.blobs["block"].data.copy()
    rows.data = rows.data[:, ::-1].copy()
    net.forward(start="embedding")
    assert not np.allclose(net.blobs["block"].data[:, ::-1], block, atol=1e-3)
    net.params["places"][0].data.fill(0)
    net.forward(start="embedding")
    block = net.blobs["block"].data.copy()
    rows.data = rows.data[:, ::-1].copy()
    net.forward(start="embedding")
    np.testing.assert_allclose(net.blobs["block"].data[:, ::-1], block, atol=1e-4)


def test_every_kind_of_layer_is_there() -> None:
    spec = read_solver(CONFIG)
    assert spec.net is not None
    types = [layer.type for layer in spec.net.param.layer]
    assert types.count("LayerNorm") == 3 and types.count("Eltwise") == 2
    assert "MultiHeadAttention" in types and "GELU" in types
