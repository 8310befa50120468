"""Nets are freed when nobody has them any more: no cycle of references keeps them."""

from __future__ import annotations

import gc
import resource
import weakref
from pathlib import Path

import pytest

from engine import Net
from engine.net.fast_passes import VARIABLE
from engine.spec import parse_net
from tests.harness.engines import needs_onednn
from tests.plan.test_plan import NET

STATM = Path("/proc/self/statm")


@pytest.mark.parametrize("engine", ["numpy", pytest.param("onednn", marks=needs_onednn)])
def test_a_net_is_freed_at_once(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    monkeypatch.setenv(VARIABLE, engine)
    net = Net(parse_net(NET), seed=1)
    net.blobs["label"].data = [0, 3, 1]
    net.forward_backward(fresh=True)
    net.blobs["c1"].data.sum()  # brought out of its home
    watched = [weakref.ref(net), weakref.ref(net.layers[2])]
    gc.disable()
    try:
        del net
        assert [ref() for ref in watched] == [None] * len(watched)
    finally:
        gc.enable()


@needs_onednn
@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
def test_what_onednn_made_for_a_net_goes_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "onednn")

    def megabytes_after(nets: int) -> float:
        for _ in range(nets):
            net = Net(parse_net(NET), seed=1)
            net.blobs["label"].data = [0, 3, 1]
            net.forward_backward(fresh=True)
        return int(STATM.read_text().split()[1]) * resource.getpagesize() / 2**20

    before = megabytes_after(15)
    assert megabytes_after(40) - before < 6  # 20 when descriptions and memories stay
