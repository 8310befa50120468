"""Plans of random nets compute what their layers compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from engine import TEST, TRAIN, Net
from tests.harness.engines import always_winograd, compared, needs_onednn, pair
from tests.harness.random_nets import random_nets

pytestmark = needs_onednn


def seem_trained(net: Net) -> None:
    """Gives BatchNorm running statistics: those of a new net divide by next to nothing."""
    for node in net.nodes:
        if node.layer.type == "BatchNorm":
            for blob, value in zip(node.layer.blobs, (0.1, 1.5, 1.0), strict=True):
                blob.data = np.full(blob.shape, value)


def noise_of(net: Net) -> float:
    """The rounding of what sums to zero, as gradients of a bias that BatchNorm takes away do."""
    gradients = [net.arena.diff, *(blob.diff for blob in net.blobs.values())]
    return 1e-5 * max(1.0, *(float(np.abs(array).max(initial=0)) for array in gradients))


@settings(
    max_examples=160,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    text=random_nets(),
    phase=st.sampled_from([TRAIN, TRAIN, TEST]),
    keep=st.booleans(),
    by_winograd=st.booleans(),
)
def test_a_random_net(text: str, phase: int, keep: bool, by_winograd: bool) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        if by_winograd:
            always_winograd(monkeypatch)
        compare_engines(*pair(monkeypatch, text, phase), keep)


def compare_engines(reference: Net, fast: Net, keep: bool) -> None:
    nets = reference, fast
    fast.keep_gradients = keep
    for net in nets:
        seem_trained(net)
    for fresh in (True, False, True):
        losses = [net.forward_backward(fresh) for net in nets]
        assume(abs(losses[0]) < 1e6)  # rounding decides what becomes of the others
        assert np.isclose(*losses, rtol=1e-4)
        assert not compared(reference, fast, noise_of(reference))
        for net in nets:
            net.arena.data *= np.float32(0.9)
