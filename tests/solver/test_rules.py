"""Update rules against formulas written out anew, in double precision, parameter by parameter."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from engine import DemitasseError
from engine.net.params import Arena, Param
from engine.schema import SolverParameter
from engine.solver.optimizer import Optimizer
from engine.solver.updates import find_rule, run, solver_types
from layers import Blob

STEPS, RATE = 6, 0.02
SHAPES = [((7, 5), 1.0, 1.0), ((7,), 2.0, 0.0), ((3, 7), 1.0, 1.0), ((0, 4), 1.0, 1.0)]
Numbers = np.ndarray


def params() -> list[Param]:
    rng = np.random.default_rng(4)
    made = []
    for index, (shape, lr_mult, decay_mult) in enumerate(SHAPES):
        blob = Blob(shape)
        blob.data = rng.normal(size=shape)
        made.append(Param(blob, f"layer{index}", 0, lr_mult=lr_mult, decay_mult=decay_mult))
    return made


def gradients(learnable: list[Param]) -> Iterator[list[Numbers]]:
    rng = np.random.default_rng(5)
    for step in range(STEPS):
        yield [rng.normal(size=p.blob.shape) / (step + 1) for p in learnable]


def trained(settings: SolverParameter) -> list[Numbers]:
    """The parameters after some updates with made-up gradients."""
    learnable = params()
    optimizer = Optimizer(settings, Arena(learnable, np.float32), learnable)
    for iteration, grads in enumerate(gradients(learnable)):
        for param, gradient in zip(learnable, grads, strict=True):
            param.blob.diff = gradient
        optimizer.update(RATE, iteration)
    return [param.blob.data.copy() for param in learnable]


def by_hand(
    rule: Callable[..., Numbers], settings: SolverParameter, decoupled: bool = False
) -> list[Numbers]:
    """The same, one parameter after the other, by a function of one update.

    The function gets w, g (raw), decay, rate, t from 1 and a dictionary to keep things in.
    """
    learnable = params()
    values = [p.blob.data.astype(np.float64) for p in learnable]
    memory: list[dict[str, Numbers]] = [{} for _ in values]
    for iteration, grads in enumerate(gradients(learnable)):
        for k, p in enumerate(learnable):
            decay, rate = settings.weight_decay * p.decay_mult, RATE * p.lr_mult
            w, g = values[k], grads[k].astype(np.float32).astype(np.float64)
            apart = rate * decay * w if decoupled else 0.0
            inside = 0.0 if decoupled else decay
            values[k] = rule(w, g, inside, rate, iteration + 1, memory[k]) - apart
    return values


def check(settings: SolverParameter, rule: Callable[..., Numbers], decoupled: bool = False) -> None:
    wanted = by_hand(rule, settings, decoupled)
    for mine, other in zip(trained(settings), wanted, strict=True):
        np.testing.assert_allclose(mine, other, rtol=2e-5, atol=2e-6)


def torch_adam(
    w: Numbers, g: Numbers, decay: float, lr: float, t: int, kept: dict[str, Numbers],
    amsgrad: bool = False, eps: float = 1e-3,
) -> Numbers:  # fmt: skip
    """torch.optim.Adam as its documentation writes it, betas (0.9, 0.99)."""
    g = g + decay * w
    kept["m"] = 0.9 * kept.get("m", 0 * w) + (1 - 0.9) * g
    kept["v"] = 0.99 * kept.get("v", 0 * w) + (1 - 0.99) * g**2
    second = kept["v"]
    if amsgrad:
        second = kept["max"] = np.maximum(kept.get("max", 0 * w), kept["v"])
    m_hat = kept["m"] / (1 - 0.9**t)
    return w - lr * m_hat / (np.sqrt(second / (1 - 0.99**t)) + eps)


ADAM = {"momentum": 0.9, "momentum2": 0.99, "delta": 1e-3, "weight_decay": 0.3}


def test_adamw_is_pytorchs() -> None:
    check(SolverParameter(type="AdamW", **ADAM), torch_adam, decoupled=True)


def test_amsgrad_is_pytorchs() -> None:
    def rule(*args: object) -> Numbers:
        return torch_adam(*args, amsgrad=True)  # type: ignore[arg-type]

    check(SolverParameter(type="AMSGrad", **ADAM), rule)
    check(SolverParameter(type="AMSGrad", decoupled_decay=True, **ADAM), rule, decoupled=True)


def lars(
    w: Numbers, g: Numbers, decay: float, lr: float, t: int, kept: dict[str, Numbers]
) -> Numbers:
    """Algorithm 1 of You, Gitman & Ginsburg, with momentum 0.8 and trust 0.05."""
    norm, slope = np.linalg.norm(w), np.linalg.norm(g)
    local = 0.05 * norm / (slope + decay * norm) if norm and slope else 1.0
    kept["v"] = 0.8 * kept.get("v", 0 * w) + lr * local * (g + decay * w)
    return w - kept["v"]


LARS = {"type": "LARS", "momentum": 0.8, "trust": 0.05, "weight_decay": 0.3}


def test_lars_is_the_papers() -> None:
    check(SolverParameter(**LARS), lars)
    check(SolverParameter(**LARS, decoupled_decay=True), lars, decoupled=True)


def test_lars_where_a_norm_is_zero() -> None:
    learnable = params()
    arena = Arena(learnable, np.float32)
    optimizer = Optimizer(SolverParameter(**LARS), arena, learnable)
    before = arena.data.copy()
    learnable[1].blob.data = np.zeros(7)
    learnable[1].blob.diff = np.ones(7)
    optimizer.update(RATE, 0)
    np.testing.assert_allclose(learnable[1].blob.data, -2 * RATE * np.ones(7), rtol=1e-6)
    assert np.isfinite(arena.data).all() and (arena.data != before).any()


def sgd(
    w: Numbers, g: Numbers, decay: float, lr: float, t: int, kept: dict[str, Numbers]
) -> Numbers:
    kept["h"] = 0.9 * kept.get("h", 0 * w) + lr * (g + decay * w)
    return w - kept["h"]


def test_decoupled_decay() -> None:
    """SGDW: the decay is no part of the history."""
    check(SolverParameter(momentum=0.9, weight_decay=0.3), sgd)
    check(SolverParameter(momentum=0.9, weight_decay=0.3, decoupled_decay=True), sgd, True)


def test_decoupled_l1_decay() -> None:
    settings = {"momentum": 0.9, "regularization_type": "L1"}
    plain = trained(SolverParameter(**settings))
    learnable = params()
    one = Optimizer(
        SolverParameter(**settings, weight_decay=0.3, decoupled_decay=True),
        Arena(learnable, np.float32),
        learnable,
    )
    before = [p.blob.data.copy() for p in learnable]
    one.update(RATE, 0)
    for param, old in zip(learnable, before, strict=True):
        step = RATE * 0.3 * param.lr_mult * param.decay_mult * np.sign(old)
        np.testing.assert_allclose(param.blob.data, old - step, atol=1e-7)
    decayed = trained(SolverParameter(**settings, weight_decay=0.3, decoupled_decay=True))
    assert any((a != b).any() for a, b in zip(plain, decayed, strict=True))


@pytest.mark.parametrize("name", solver_types())
def test_blocks_do_not_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Updating piece by piece gives the same bits as updating all at once."""
    bare = name in ("AdaGrad", "RMSProp")
    settings = SolverParameter(type=name, momentum=0.0 if bare else 0.9, weight_decay=0.1)
    whole = trained(settings)
    monkeypatch.setattr(run, "_CACHED", 16)
    for mine, other in zip(trained(settings), whole, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("name", solver_types())
def test_an_update_allocates_next_to_nothing(name: str) -> None:
    learnable = [Param(Blob((400_000,)), "a", 0), Param(Blob((10,)), "b", 0, lr_mult=2.0)]
    arena = Arena(learnable, np.float32)
    bare = name in ("AdaGrad", "RMSProp")
    param = SolverParameter(
        type=name, momentum=0.0 if bare else 0.9, weight_decay=0.1, clip_gradients=1.0, iter_size=2
    )
    optimizer = Optimizer(param, arena, learnable)
    arena.diff[:] = 1
    peaks = []
    # Each thread allocates its scratch in the first update that it takes part in.
    for iteration in range(10):
        tracemalloc.start()
        optimizer.update(RATE, iteration)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    peak = sorted(peaks)[len(peaks) // 2]
    # LARS spreads its ratios out: one array more.
    assert peak < (arena.data.nbytes * 1.1 if find_rule(name).whole_runs else 20_000)


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "AdamW", "momentum": 1.0},
        {"type": "AMSGrad", "momentum2": 1.0},
        {"type": "LARS", "trust": 0.0},
        {"type": "LARS", "weight_decay": 0.1, "regularization_type": "L1"},
    ],
)
def test_settings_that_do_not_suit(settings: dict[str, object]) -> None:
    learnable = params()
    with pytest.raises(DemitasseError, match=f"{settings['type']} cannot use"):
        Optimizer(SolverParameter(**settings), Arena(learnable, np.float32), learnable)  # type: ignore[arg-type]
