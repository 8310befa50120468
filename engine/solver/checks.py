"""What a solver's settings must satisfy before anything is built."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import ConfigError, SnapshotError
from engine.net import Net
from engine.schema import SolverParameter
from engine.snapshot.state_file import StoredState
from engine.solver.epochs import epoch_problems
from engine.solver.policy_checks import policy_problems
from engine.solver.updates import create_rule
from engine.spec import SolverSpec
from layers.errors import DemitasseError, did_you_mean

_LEAST = {
    "iter_size": 1,
    "average_loss": 1,
    "max_iter": 0,
    "snapshot": 0,
    "display": 0,
    "min_delta": 0,
    "early_stop": 0,
    "keep_last": 0,
    "ema_decay": 0,
}


def check_settings(spec: SolverSpec) -> None:
    """Checks the numbers and names that hold before any net is there.

    Raises:
        ConfigError: everything that is out of its range, unknown or missing.
    """
    problems = list(setting_problems(spec))
    if problems:
        raise ConfigError(problems)


def setting_problems(spec: SolverSpec) -> Iterator[DemitasseError]:
    """An error for each setting that is no number, out of its range, unknown or missing."""
    strange = dict(_strange_numbers(spec))
    yield from strange.values()
    known = {place for place in map(spec.place, strange) if place}
    yield from (problem for problem in _range_problems(spec) if problem.where not in known)


def _strange_numbers(spec: SolverSpec) -> Iterator[tuple[str, DemitasseError]]:
    """An error for each setting that is NaN or infinite, with its name; they fit every range."""
    for field, value in spec.param.ListFields():
        if field.name == "base_lr":
            continue  # has a message of its own
        if isinstance(value, float) and not math.isfinite(value):
            what, got = f"{field.name} is no finite number", f"{value:g}"
            yield field.name, DemitasseError(what, spec.place(field.name), got, id="DM404")


def _range_problems(spec: SolverSpec) -> Iterator[DemitasseError]:
    """An error for each setting that is out of its range, unknown or missing."""
    param, place = spec.param, spec.place
    yield from policy_problems(param, place)
    if not param.HasField("base_lr"):
        expected = "a learning rate, such as 0.01"
        yield DemitasseError("base_lr is missing", place(""), expected=expected, id="DM401")
    elif not 0 <= param.base_lr < math.inf:
        what, got = "base_lr cannot be a learning rate", f"{param.base_lr:g}"
        yield DemitasseError(what, place("base_lr"), got, "a number of 0 or more", id="DM401")
    for field, bound in _LEAST.items():
        value = getattr(param, field)
        if value < bound:
            what, expected = f"{field} is too small", f"{bound} or more"
            yield DemitasseError(what, place(field), f"{value:g}", expected, id="DM404")
    if param.ema_decay >= 1:
        what, expected = "ema_decay is too large", "below 1, such as 0.999"
        yield DemitasseError(what, place("ema_decay"), f"{param.ema_decay:g}", expected, id="DM404")
    yield from _name_problems(spec)
    yield from epoch_problems(param, place)
    yield from _monitor_problems(spec)


def _name_problems(spec: SolverSpec) -> Iterator[DemitasseError]:
    """Whether the update rule exists, and takes its settings."""
    kind = spec.param.regularization_type
    if kind not in ("L1", "L2"):
        what, hint = "unknown regularization_type", did_you_mean(kind, ("L1", "L2"))
        where = spec.place("regularization_type")
        yield DemitasseError(what, where, f'"{kind}"', "L1 or L2", hint, id="DM405")
        return
    try:
        create_rule(spec.param)
    except DemitasseError as problem:
        problem.where = spec.place(problem.where)
        yield problem


def check_loss_exists(net: Net) -> None:
    """Checks that training has something to minimise.

    Raises:
        DemitasseError: no top of the net has a loss weight.
    """
    if not any(any(node.loss_weights) for node in net.nodes):
        raise DemitasseError(
            "the net has no loss when it trains, so it would learn nothing",
            net.name,
            hint="add a loss layer that the TRAIN phase includes, or give a top a loss_weight",
            id="DM209",
        )


def check_type(state: StoredState, type_name: str, path: Path) -> None:
    """Checks that a solver state was saved by the update rule that is to go on from it.

    Raises:
        SnapshotError: it was saved by another. Caffe's files do not say.
    """
    stored = state.progress.config.type if state.progress is not None else ""
    if stored and stored != type_name:
        raise SnapshotError(
            "the solver state was saved by another solver type",
            str(path),
            stored,
            type_name,
            "go on with the same type, or start anew from the model with --weights",
        )


def _monitor_problems(spec: SolverSpec) -> Iterator[DemitasseError]:
    """Whether what acts on a score has one, and there are tests to give it."""
    param = spec.param
    for field in ("early_stop", "keep_best"):
        if getattr(param, field) and not param.monitor:
            what = f"{field} needs monitor, the test output to watch"
            hint = 'for example `monitor: "accuracy"`'
            yield DemitasseError(what, spec.place(field), hint=hint, id="DM410")
    if param.monitor and not (param.test_interval or param.test_epoch):
        what = "monitor needs tests: give test_iter, and test_interval or test_epoch"
        yield DemitasseError(what, spec.place("monitor"), id="DM410")


def may_write(param: SolverParameter) -> bool:
    """Whether a run writes snapshots or models of its own accord."""
    asked = (param.snapshot, param.snapshot_epoch, param.snapshot_after_train, param.keep_best)
    return any(asked)


def no_end(spec: SolverSpec) -> DemitasseError:
    """The error for a solver that does not say how long to train; the caller raises it."""
    given = spec.param.HasField("max_iter")
    return DemitasseError(
        "max_iter is 0: there is nothing to train" if given else "max_iter is missing",
        spec.place("max_iter"),
        expected="how many iterations to train",
        hint="set solver.max_iter",
        id="DM412",
    )


def check_writable(prefix: str, where: str = "") -> None:
    """Checks, before hours of training, that a snapshot could be written.

    Args:
        prefix: what the names of the snapshots begin with.
        where: the place in the config that says so.

    Raises:
        SnapshotError: the folder of the prefix is missing or not writable.
    """
    folder = Path(prefix).parent
    if not os.path.isdir(folder):
        raise SnapshotError(
            "the folder of snapshot_prefix does not exist",
            where,
            prefix,
            hint=f"make it (`mkdir -p {shlex.quote(str(folder))}`) or set another: "
            "`--set solver.snapshot_prefix=X`",
            id="DM411",
        )
    if not os.access(folder, os.W_OK):
        what = "the folder of snapshot_prefix is not writable"
        raise SnapshotError(what, where, prefix, id="DM411")


def check_iterations(iterations: Any) -> None:
    """Checks a number of iterations that a caller gives.

    Raises:
        DemitasseError: it is no integer, or below 0.
    """
    whole = isinstance(iterations, int | np.integer) and not isinstance(iterations, bool)
    if not whole or iterations < 0:
        raise DemitasseError(
            "step() takes a number of iterations",
            got=f"{iterations!r} ({type(iterations).__name__})",
            expected="an integer from 0 up",
        )
