"""A compiled update computes what the update run by run does."""

from __future__ import annotations

from multiprocessing import Queue, get_all_start_methods, get_context

import numpy as np
import pytest

from engine.net.fast_passes import VARIABLE
from engine.net.params import Arena, Param
from engine.schema import SolverParameter
from engine.solver.optimizer import Optimizer
from engine.solver.updates import base, find_rule, solver_types
from engine.solver.updates.whole import by_passes, choice
from layers import Blob
from layers.kernels.threads import set_thread_count, thread_count
from tests.harness.engines import needs_onednn

pytestmark = needs_onednn

WAYS = {"passes": "passes", "loops": "loop"}  # and what rules say them by
SAID = [
    (way, kind) for kind in solver_types() for way in WAYS if WAYS[way] in vars(find_rule(kind))
]
NO_MOMENTUM = ("AdaGrad", "RMSProp")
SIZES = [(1.0, 1.0, 333), (2.0, 0.0, 5), (0.0, 1.0, 40), (1.0, 1.0, 1), (0.5, 2.0, 1000)]


def make(settings: SolverParameter) -> Optimizer:
    rng = np.random.default_rng(0)
    params = []
    for index, (lr_mult, decay_mult, size) in enumerate(SIZES):
        blob = Blob((size,))
        blob.data = rng.normal(size=size)
        params.append(Param(blob, f"layer{index}", 0, lr_mult=lr_mult, decay_mult=decay_mult))
    return Optimizer(settings, Arena(params, np.float32), params)


@pytest.fixture(params=[1, 2, 3])
def threads(request: pytest.FixtureRequest):  # type: ignore[no-untyped-def]
    before = thread_count()
    set_thread_count(request.param)
    yield
    set_thread_count(before)


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Either of the two ways to update all parameters at once."""
    if request.param == "loops":
        pytest.importorskip("numba")
        monkeypatch.setattr(choice, "_LARGE", 0)
    monkeypatch.setattr(by_passes, "_BLOCK", 500)
    return str(request.param)


@pytest.mark.parametrize(
    "more",
    [{}, {"decoupled_decay": True}, {"iter_size": 2, "clip_gradients": 9}],
    ids=["plain", "decoupled", "clipped"],
)
@pytest.mark.parametrize(("way", "kind"), SAID, indirect=["way"])
def test_equals_run_by_run(
    monkeypatch: pytest.MonkeyPatch, threads: None, way: str, kind: str, more: dict[str, float]
) -> None:
    momentum = 0 if kind in NO_MOMENTUM else 0.9
    settings = SolverParameter(type=kind, momentum=momentum, weight_decay=0.1, delta=1e-3, **more)
    monkeypatch.setenv(VARIABLE, "numpy")
    by_runs = make(settings)
    monkeypatch.setenv(VARIABLE, "onednn")
    compiled = make(settings)
    assert by_runs._whole is None and compiled._whole is not None
    rng = np.random.default_rng(1)
    for iteration in range(4):
        gradient = rng.normal(size=by_runs.arena.diff.size)
        for each in (by_runs, compiled):
            each.arena.diff[:] = gradient
            assert each.update(0.05, iteration)
    np.testing.assert_allclose(compiled.arena.data, by_runs.arena.data, rtol=1e-5, atol=1e-6)
    for mine, other in zip(compiled.state, by_runs.state, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


class Derived(find_rule("SGD")):  # type: ignore[misc]
    """What it computes, nobody knows."""


@pytest.mark.parametrize(
    "settings",
    [
        SolverParameter(type="LARS"),
        SolverParameter(type="SGD", regularization_type="L1", weight_decay=0.1),
        SolverParameter(type="Derived"),
    ],
    ids=["LARS", "L1", "derived"],
)
def test_others_go_run_by_run(
    monkeypatch: pytest.MonkeyPatch, way: str, settings: SolverParameter
) -> None:
    monkeypatch.setitem(base._rules, "Derived", Derived)
    monkeypatch.setenv(VARIABLE, "onednn")
    assert make(settings)._whole is None


@pytest.mark.parametrize("place", [0, 700, -1])
@pytest.mark.parametrize("look, parts", [(1, 16), (1000, 2), (1 << 19, 1)])
def test_what_is_not_finite_is_found(
    monkeypatch: pytest.MonkeyPatch, place: int, look: int, parts: int
) -> None:
    """In large nets a part is looked at after each update, and in turn all of them."""
    monkeypatch.setenv(VARIABLE, "onednn")
    monkeypatch.setattr("engine.solver.updates.whole.by_passes._LOOK", look)
    by_passes = make(SolverParameter(type="SGD", momentum=0.9))
    assert by_passes._whole is not None
    assert all(by_passes.update(0.05, iteration) for iteration in range(16))
    by_passes.learnable[4].blob.diff[place] = np.nan
    found = [by_passes.update(0.05, iteration) for iteration in range(16)]
    assert found.count(False) == 16 // parts


@pytest.mark.parametrize("kind", [kind for way, kind in SAID if way == "loops"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 15, 700, -1])
def test_loops_look_at_all_numbers(
    monkeypatch: pytest.MonkeyPatch, threads: None, kind: str, place: int, value: float
) -> None:
    pytest.importorskip("numba")
    monkeypatch.setenv(VARIABLE, "onednn")
    monkeypatch.setattr(choice, "_LARGE", 0)
    by_loops = make(SolverParameter(type=kind))
    assert by_loops.update(0.05, 0)
    by_loops.learnable[4].blob.data[place] = value
    assert not by_loops.update(0.05, 1)


def _update(optimizer: Optimizer, results: Queue[float]) -> None:
    assert optimizer.update(0.05, 1)
    results.put(float(optimizer.arena.data.sum()))


@pytest.mark.skipif("fork" not in get_all_start_methods(), reason="needs fork")
def test_a_process_forked_from_one_that_has_updated(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """OpenMP's threads are not there, and compiled loops would end the process over it."""
    monkeypatch.setenv(VARIABLE, "onednn")
    optimizer = make(SolverParameter(type="SGD", momentum=0.9))
    optimizer.arena.diff[:] = 1
    assert optimizer.update(0.05, 0)
    context = get_context("fork")
    results: Queue[float] = context.Queue()
    child = context.Process(target=_update, args=(optimizer, results), daemon=True)
    child.start()
    try:
        found = results.get(timeout=20)
    finally:
        child.kill()
    assert optimizer.update(0.05, 1)
    assert found == pytest.approx(float(optimizer.arena.data.sum()), rel=1e-5)
