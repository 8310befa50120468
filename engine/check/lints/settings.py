"""Settings of a solver that have no effect, or one that is seldom meant."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.check.states import has_phase
from engine.errors import DemitasseError
from engine.schema import TEST
from engine.solver.schedules import POLICIES, formula
from engine.spec import SolverSpec

_OF_POLICIES = ("gamma", "power", "stepsize", "stepvalue", "min_lr", "patience", "peak_at")
_ALSO_READ = {"multistep": {"stepvalue"}, "plateau": {"patience", "min_lr", "gamma"}}


def unused(solver: SolverSpec) -> Iterator[DemitasseError]:
    """DM612: a setting of another learning-rate policy."""
    policy, param = solver.param.lr_policy, solver.param
    if policy not in POLICIES:
        return
    read = set(re.findall(r"\w+", formula(policy))) | _ALSO_READ.get(policy, set())
    for field in _OF_POLICIES:
        value = getattr(param, field)
        given = len(value) if field == "stepvalue" else param.HasField(field)
        if given and field not in read:
            users = [name for name in POLICIES if field in formula(name) or _reads(name, field)]
            what = f'lr_policy "{policy}" does not read {field}'
            hint = f'"{policy}" is {formula(policy)}; {field} belongs to {", ".join(users)}'
            yield DemitasseError(what, solver.place(field), hint=hint, id="DM612")


def _reads(policy: str, field: str) -> bool:
    return field in _ALSO_READ.get(policy, ())


def steps_too_late(solver: SolverSpec) -> Iterator[DemitasseError]:
    """DM613: drops of the learning rate after the end of the training."""
    param, end = solver.param, solver.param.max_iter
    if end <= 0:
        return
    late = {
        "stepsize": param.lr_policy == "step" and param.stepsize >= end,
        "stepvalue": param.lr_policy == "multistep" and any(v >= end for v in param.stepvalue),
        "warmup_iter": param.warmup_iter >= end,
    }
    for field in [field for field, is_late in late.items() if is_late]:
        value = getattr(param, field)
        got = ", ".join(map(str, value)) if field == "stepvalue" else str(value)
        what = f"{field} goes beyond the end of the training"
        hint = f"training ends at max_iter {end}: raise that, or lower {field}"
        yield DemitasseError(what, solver.place(field), got, hint=hint, id="DM613")


def momentum_of_one(solver: SolverSpec) -> Iterator[DemitasseError]:
    """DM619: steps that never lose their speed."""
    if solver.param.momentum >= 1:
        what = "with a momentum of 1 or more the steps grow without end"
        got, expected = f"{solver.param.momentum:g}", "below 1, such as 0.9"
        yield DemitasseError(what, solver.place("momentum"), got, expected, id="DM619")


def never_tested(solver: SolverSpec) -> Iterator[DemitasseError]:
    """DM623: a net with a TEST phase, and a solver without tests."""
    if solver.param.test_iter or solver.net is None:
        return
    if has_phase(solver.net, TEST):
        what = "the net has layers for the TEST phase, but is never tested"
        hint = "give test_iter (0: every sample once) and test_interval"
        yield DemitasseError(what, solver.place(""), hint=hint, id="DM623")
