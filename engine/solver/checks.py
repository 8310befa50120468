"""What a solver's settings must satisfy before anything is built."""

from __future__ import annotations

import math
import os
from pathlib import Path

from engine.errors import SnapshotError
from engine.net import Net
from engine.schema import SolverParameter
from engine.snapshot.state_file import StoredState
from engine.solver.epochs import check_epochs
from engine.solver.policy_checks import check_policy
from layers.errors import DemitasseError

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


def check_settings(param: SolverParameter, where: str) -> None:
    """Checks the numbers and names that hold for every update rule.

    Raises:
        DemitasseError: one of them is out of its range or unknown.
    """
    check_policy(param)
    if not param.HasField("base_lr"):
        raise DemitasseError("base_lr is missing", where, expected="a learning rate, such as 0.01")
    if not 0 <= param.base_lr < math.inf:
        raise DemitasseError(
            "base_lr is no learning rate", where, f"{param.base_lr:g}", "0 or more"
        )
    for field, bound in _LEAST.items():
        value = getattr(param, field)
        if value < bound:
            raise DemitasseError(f"{field} is too small", where, f"{value:g}", f"{bound} or more")
    if param.regularization_type not in ("L1", "L2"):
        raise DemitasseError(
            "unknown regularization_type", where, param.regularization_type, "L1 or L2"
        )
    if param.ema_decay >= 1:
        raise DemitasseError(
            "ema_decay is too large", where, f"{param.ema_decay:g}", "below 1, such as 0.999"
        )
    check_epochs(param, where)
    _check_monitor(param, where)


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


def _check_monitor(param: SolverParameter, where: str) -> None:
    """Checks that what acts on a score has one, and that there are tests to give it."""
    for field in ("early_stop", "keep_best"):
        if getattr(param, field) and not param.monitor:
            raise DemitasseError(
                f"{field} needs monitor, the test output to watch",
                where,
                hint='for example `monitor: "accuracy"`',
            )
    if param.monitor and not (param.test_interval or param.test_epoch):
        raise DemitasseError(
            "monitor needs tests: give test_iter, and test_interval or test_epoch", where
        )


def may_write(param: SolverParameter) -> bool:
    """Whether a run writes snapshots or models of its own accord."""
    asked = (param.snapshot, param.snapshot_epoch, param.snapshot_after_train, param.keep_best)
    return any(asked)


def check_writable(prefix: str) -> None:
    """Checks, before hours of training, that a snapshot could be written.

    Raises:
        SnapshotError: the folder of the prefix is missing or not writable.
    """
    folder = Path(prefix).parent
    if not folder.is_dir():
        raise SnapshotError(
            "the folder of snapshot_prefix does not exist",
            got=prefix,
            hint=f"make it (`mkdir -p {folder}`) or set another: `--set solver.snapshot_prefix=X`",
        )
    if not os.access(folder, os.W_OK):
        raise SnapshotError("the folder of snapshot_prefix is not writable", got=prefix)
