"""Lengths of a training: in iterations, as Caffe has them, or in epochs."""

from __future__ import annotations

from collections.abc import Iterable

from engine.schema import SolverParameter

EPOCHS = {"max_epoch": "max_iter", "test_epoch": "test_interval", "snapshot_epoch": "snapshot"}
OTHER_UNIT = EPOCHS | {iterations: epochs for epochs, iterations in EPOCHS.items()}


def clear_other_unit(solver: SolverParameter, overridden: Iterable[str]) -> None:
    """Takes out each length that is overridden in the other unit.

    Where both units are overridden both stay, and contradict each other.

    Args:
        solver: the settings; changed.
        overridden: the names of the fields that get another value.
    """
    names = set(overridden)
    for name in names & OTHER_UNIT.keys():
        if OTHER_UNIT[name] not in names:
            solver.ClearField(OTHER_UNIT[name])
