"""What a solver's settings must satisfy before anything is built."""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import SnapshotError
from engine.schema import SolverParameter
from engine.solver.schedules import check_policy
from layers.errors import DemitasseError

_LEAST = {"iter_size": 1, "average_loss": 1, "max_iter": 0, "snapshot": 0, "display": 0}


def check_settings(param: SolverParameter, where: str) -> None:
    """Checks the numbers and names that hold for every update rule.

    Raises:
        DemitasseError: one of them is out of its range or unknown.
    """
    check_policy(param)
    for field, bound in _LEAST.items():
        value = getattr(param, field)
        if value < bound:
            raise DemitasseError(f"{field} is too small", where, str(value), f"{bound} or more")
    if param.regularization_type not in ("L1", "L2"):
        raise DemitasseError(
            "unknown regularization_type", where, param.regularization_type, "L1 or L2"
        )


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
