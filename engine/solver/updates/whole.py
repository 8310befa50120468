"""Updates of all parameters at once, with the fast engine; elsewhere NumPy's, run by run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.threads import is_left_alone
from engine.net.fast_passes import fast_engine
from engine.net.params import Arena
from engine.solver.updates.base import UpdateRule
from engine.solver.updates.by_loops import update_by_loops
from engine.solver.updates.by_passes import update_by_passes
from layers.blob import Array

# Elements from which on compiled loops are worth a third of a second for numba to be imported:
# they read and write each number once, oneDNN's passes half of them twice.
_LARGE = 1 << 20

Update = Callable[[float, float, int], bool]


def whole_update(rule: UpdateRule, arena: Arena, state: Sequence[Array]) -> Update | None:
    """The rule's update of all parameters; None where it has none, or oneDNN is not there.

    Returns:
        a function of the gradient's share, the learning rate and the updates done before, which
        tells whether the parameters are finite still: all of them, or another part each time, so
        that 16 updates look at all.
    """
    # A rule that is derived from another may compute something else, so it must say this, too.
    told = "passes" in vars(type(rule))
    l2 = rule.param.regularization_type == "L2" or not rule.param.weight_decay
    if not (told and l2 and arena.data.dtype == np.float32 and fast_engine()):
        return None
    try:
        if arena.data.size >= _LARGE:
            with suppress(OneDNNError):  # no numba
                return _until_forked(rule, arena, state)
        return update_by_passes(rule, arena, state)
    except OneDNNError:
        return None


def _until_forked(rule: UpdateRule, arena: Arena, state: Sequence[Array]) -> Update:
    """The update by loops; in a process that was forked, where their threads are not, by passes."""
    by_loops, by_passes = update_by_loops(rule, arena, state), None

    def update(share: float, rate: float, iteration: int) -> bool:
        nonlocal by_passes
        if not is_left_alone():
            return by_loops(share, rate, iteration)
        by_passes = by_passes or update_by_passes(rule, arena, state)
        return by_passes(share, rate, iteration)

    return update
