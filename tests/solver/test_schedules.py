"""Learning-rate policies against their formulas, and PyTorch's schedulers written out."""

from __future__ import annotations

import math

import pytest

from engine import DemitasseError
from engine.errors import ConfigError
from engine.schema import SolverParameter
from engine.solver.plateau import Plateau
from engine.solver.policy_checks import policy_problems
from engine.solver.schedules import POLICIES, formula, learning_rate


def check_policy(param: SolverParameter) -> None:
    problems = list(policy_problems(param, str))
    if problems:
        raise ConfigError(problems)


def rates(count: int, **settings: object) -> list[float]:
    param = SolverParameter(**settings)  # type: ignore[arg-type]
    check_policy(param)
    return [learning_rate(param, iteration) for iteration in range(count)]


def test_cosine() -> None:
    found = rates(13, lr_policy="cosine", base_lr=0.5, min_lr=0.1, max_iter=10)
    wanted = [0.1 + 0.4 * (1 + math.cos(math.pi * i / 10)) / 2 for i in range(11)]
    assert found == pytest.approx([*wanted, 0.1, 0.1])
    assert found[0] == pytest.approx(0.5) and found[5] == pytest.approx(0.3)


def torch_one_cycle(
    max_lr: float, total: int, pct_start: float, div: float, final_div: float
) -> list[float]:
    """torch.optim.lr_scheduler.OneCycleLR, anneal_strategy "cos", three_phase False."""
    initial = max_lr / div
    minimum = initial / final_div
    phases = [(float(pct_start * total) - 1, initial, max_lr), (total - 1, max_lr, minimum)]
    found = []
    for step in range(total):
        start_step = 0.0
        for index, (end_step, start, end) in enumerate(phases):
            if step <= end_step or index == len(phases) - 1:
                share = (step - start_step) / (end_step - start_step)
                found.append(end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1))
                break
            start_step = end_step
    return found


@pytest.mark.parametrize(
    ("total", "share", "div", "final"), [(20, 0.3, 25, 1e4), (17, 0.25, 10, 100), (100, 0.5, 2, 2)]
)
def test_onecycle_is_pytorchs(total: int, share: float, div: float, final: float) -> None:
    found = rates(
        total, lr_policy="onecycle", base_lr=0.5, max_iter=total, peak_at=share,
        start_divisor=div, final_divisor=final,
    )  # fmt: skip
    assert found == pytest.approx(torch_one_cycle(0.5, total, share, div, final), rel=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_onecycle_at_its_edges(share: float) -> None:
    found = rates(12, lr_policy="onecycle", base_lr=1, max_iter=10, peak_at=share)
    assert all(0 < rate <= 1 for rate in found)
    assert max(found) > 0.9
    assert found[9] == found[11]


POLICY_SETTINGS = {
    "stepsize": 3, "gamma": 0.5, "power": 2.0, "stepvalue": [2, 6], "max_iter": 20, "base_lr": 0.4,
    "monitor": "loss",
}  # fmt: skip


@pytest.mark.parametrize("policy", POLICIES)
def test_warm_up_stands_before_any_policy(policy: str) -> None:
    plain = rates(20, lr_policy=policy, **POLICY_SETTINGS)
    warm = rates(20, lr_policy=policy, warmup_iter=8, warmup_start_lr=0.01, **POLICY_SETTINGS)
    assert warm[8:] == plain[8:]
    wanted = [0.01 + (plain[8] - 0.01) * iteration / 8 for iteration in range(8)]
    assert warm[:8] == pytest.approx(wanted)


def torch_plateau(scores: list[float], patience: int, lr: float, floor: float) -> list[float]:
    """torch's ReduceLROnPlateau, mode "min", threshold 0, factor 0.5.

    Its patience is the number of tests that are let pass; ours, as Keras', the one that is not.
    """
    best, bad, found = math.inf, 0, []
    for score in scores:
        if score < best:
            best, bad = score, 0
        else:
            bad += 1
        if bad > patience - 1:
            lr, bad = max(lr * 0.5, floor), 0
        found.append(lr)
    return found


@pytest.mark.parametrize("patience", [1, 2, 3])
def test_plateau_is_pytorchs(patience: int) -> None:
    scores = [5, 4, 4, 4, 3, 3, 3, 3, 2, 6, 5, 4, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1.0]
    param = SolverParameter(
        lr_policy="plateau", base_lr=1, gamma=0.5, min_lr=0.02, patience=patience, monitor="loss"
    )
    check_policy(param)
    state, best, found = Plateau(param), math.inf, []
    for iteration, score in enumerate(scores):
        state.tested(score < best)
        best = min(best, score)
        found.append(learning_rate(param, iteration, state.drops))
    assert found == pytest.approx(torch_plateau(scores, patience, 1, param.min_lr))


def test_plateau_of_the_loss_is_ssds() -> None:
    """GetLearningRate of the SSD fork, written out."""
    losses = [9, 8, 8, 8, 7, 7, 7, 7, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 6.0]
    windows = [2, 3, 5]
    lowest, event, drops, wanted = math.inf, 0, 0, []
    for iteration, loss in enumerate(losses):
        if loss < lowest:
            lowest, event = loss, iteration
        if drops < len(windows) and iteration >= event + windows[drops]:
            drops, event = drops + 1, iteration
        wanted.append(drops)
    param = SolverParameter(
        lr_policy="plateau", base_lr=1, gamma=0.5, plateau_winsize=windows, monitor="accuracy"
    )
    check_policy(param)
    state, found = Plateau(param), []
    for iteration, loss in enumerate(losses):
        state.stepped(iteration, loss)
        assert not state.tested(False)
        found.append(state.drops)
    assert found == wanted and max(found) == 3


WRONG = {
    "no policy": ({}, "lr_policy is missing"),
    "misspelt": ({"lr_policy": "cosin"}, 'did you mean "cosine"'),
    "cosine without an end": ({"lr_policy": "cosine"}, "needs max_iter above 0"),
    "negative floor": ({"lr_policy": "cosine", "max_iter": 1, "min_lr": -1}, "needs min_lr of 0"),
    "floor above": ({"lr_policy": "cosine", "max_iter": 1, "min_lr": 2}, "no larger than base_lr"),
    "onecycle without an end": ({"lr_policy": "onecycle"}, "needs max_iter above 0"),
    "peak": ({"lr_policy": "onecycle", "max_iter": 1, "peak_at": 1.5}, "needs peak_at from 0 to 1"),
    "divisor": ({"lr_policy": "onecycle", "max_iter": 1, "start_divisor": 0}, "start_divisor"),
    "no gamma": ({"lr_policy": "plateau", "monitor": "x"}, "needs gamma between 0 and 1"),
    "patience": (
        {"lr_policy": "plateau", "monitor": "x", "gamma": 0.5, "patience": 0}, "needs patience",
    ),
    "nothing to watch": ({"lr_policy": "plateau", "gamma": 0.5}, "needs monitor"),
    "no stepsize": ({"lr_policy": "step", "gamma": 0.5}, "needs stepsize above 0"),
    "warm-up": ({"lr_policy": "fixed", "warmup_iter": -1}, "warmup_iter must be 0 or more"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_a_policy_needs(name: str) -> None:
    settings, words = WRONG[name]
    with pytest.raises(DemitasseError) as caught:
        check_policy(SolverParameter(base_lr=1, **settings))  # type: ignore[arg-type]
    assert words in str(caught.value)
    policy = str(settings.get("lr_policy"))
    if "needs" in words:
        assert formula(policy) in str(caught.value)
