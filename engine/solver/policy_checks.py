"""What each learning-rate policy needs of the solver's settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from engine.schema import SolverParameter
from engine.solver.schedules import POLICIES, formula
from layers.errors import DemitasseError, did_you_mean


class Need(NamedTuple):
    """A condition on one field of the solver."""

    field: str
    words: str
    holds: Callable[[float], bool]


def _positive(field: str) -> Need:
    return Need(field, "above 0", lambda value: value > 0)


def _at_least_0(field: str) -> Need:
    return Need(field, "of 0 or more", lambda value: value >= 0)


_NEEDS: dict[str, list[Need]] = {
    "step": [_positive("stepsize")],
    "sigmoid": [_positive("stepsize")],
    "poly": [_positive("max_iter")],
    "cosine": [_positive("max_iter"), _at_least_0("min_lr")],
    "onecycle": [
        _positive("max_iter"),
        Need("peak_at", "from 0 to 1", lambda value: 0 <= value <= 1),
        _positive("start_divisor"),
        _positive("final_divisor"),
    ],
    "plateau": [
        Need("gamma", "between 0 and 1", lambda value: 0 < value < 1),
        _at_least_0("min_lr"),
        _positive("patience"),
    ],
}


def check_policy(param: SolverParameter) -> None:
    """Checks that the policy exists and has the settings it needs.

    Raises:
        DemitasseError: it does not.
    """
    policy = param.lr_policy
    if policy not in POLICIES:
        raise DemitasseError(
            f'unknown lr_policy "{policy}"' if policy else "lr_policy is missing",
            "solver",
            expected=", ".join(POLICIES),
            hint=did_you_mean(policy, POLICIES),
        )
    needs = list(_NEEDS.get(policy, ()))
    if policy not in ("fixed", "plateau"):
        needs.append(_at_least_0("gamma"))
    for need in needs:
        if need.field == "max_iter" and param.HasField("max_epoch"):
            continue  # it is worked out once the data is known
        value = getattr(param, need.field)
        if not need.holds(value):
            raise _refuse(policy, f"needs {need.field} {need.words}", f"{value:g}")
    if list(param.stepvalue) != sorted(param.stepvalue):
        raise DemitasseError(
            "stepvalue must not decrease", "solver", ", ".join(map(str, param.stepvalue))
        )
    if policy in ("cosine", "plateau") and param.min_lr > param.base_lr:
        raise _refuse(
            policy, "needs min_lr no larger than base_lr", f"{param.min_lr:g} and {param.base_lr:g}"
        )
    if policy == "plateau" and not (param.monitor or param.plateau_winsize):
        raise _refuse(policy, "needs monitor, the test output to watch", "none")
    _check_warmup(param)


def _check_warmup(param: SolverParameter) -> None:
    for field in ("warmup_iter", "warmup_start_lr"):
        if getattr(param, field) < 0:
            raise DemitasseError(
                f"{field} must be 0 or more", "solver", f"{getattr(param, field):g}"
            )


def _refuse(policy: str, what: str, got: str) -> DemitasseError:
    return DemitasseError(
        f'lr_policy "{policy}" {what}', "solver", got, hint=f'"{policy}" is {formula(policy)}'
    )
