"""What each learning-rate policy needs of the solver's settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from engine.schema import SolverParameter
from engine.solver.schedules import POLICIES, formula
from layers.errors import DemitasseError, did_you_mean

Place = Callable[[str], str]


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


def policy_problems(param: SolverParameter, place: Place) -> Iterator[DemitasseError]:
    """An error for each setting that the learning-rate policy lacks, or cannot use.

    Args:
        param: the solver's settings.
        place: where a field was written.
    """
    policy = param.lr_policy
    if policy in POLICIES:
        yield from _need_problems(param, place)
    else:
        yield DemitasseError(
            f'unknown lr_policy "{policy}"' if policy else "lr_policy is missing",
            place("lr_policy"),
            expected=", ".join(POLICIES),
            hint=did_you_mean(policy, POLICIES),
            id="DM402",
        )
    if list(param.stepvalue) != sorted(param.stepvalue):
        got = ", ".join(map(str, param.stepvalue))
        yield DemitasseError("stepvalue must not decrease", place("stepvalue"), got, id="DM403")
    for field in ("warmup_iter", "warmup_start_lr"):
        if getattr(param, field) < 0:
            what, got = f"{field} must be 0 or more", f"{getattr(param, field):g}"
            yield DemitasseError(what, place(field), got, id="DM403")


def _need_problems(param: SolverParameter, place: Place) -> Iterator[DemitasseError]:
    """What a policy that exists lacks."""
    policy = param.lr_policy

    def refuse(what: str, field: str, got: str) -> DemitasseError:
        where = place(field if param.HasField(field) else "lr_policy")
        hint = f'"{policy}" is {formula(policy)}'
        return DemitasseError(f'lr_policy "{policy}" {what}', where, got, hint=hint, id="DM403")

    needs = list(_NEEDS.get(policy, ()))
    if policy not in ("fixed", "plateau"):
        needs.append(_at_least_0("gamma"))
    for need in needs:
        if need.field == "max_iter" and param.HasField("max_epoch"):
            continue  # it is worked out once the data is known
        value = getattr(param, need.field)
        if not need.holds(value):
            got = f"{value:g}" if param.HasField(need.field) else f"no {need.field}"
            yield refuse(f"needs {need.field} {need.words}", need.field, got)
    if policy in ("cosine", "plateau") and param.min_lr > param.base_lr:
        got = f"{param.min_lr:g} and {param.base_lr:g}"
        yield refuse("needs min_lr no larger than base_lr", "min_lr", got)
    if policy == "plateau" and not (param.monitor or param.plateau_winsize):
        yield refuse("needs monitor, the test output to watch", "monitor", "none")
