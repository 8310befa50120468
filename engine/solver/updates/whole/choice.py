"""Updates of all parameters at once, with the fast engine; elsewhere NumPy's, run by run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

import numpy as np

from engine.kernels.onednn.calls import OneDNNError
from engine.net.fast_passes import fast_engine
from engine.net.params import Arena
from engine.solver.updates.base import UpdateRule
from engine.solver.updates.whole.by_loops import update_by_loops
from engine.solver.updates.whole.by_passes import update_by_passes
from layers.blob import Array

# Elements from which on compiled loops are worth a third of a second for numba to be imported:
# they read and write each number once, oneDNN's passes half of them twice.
_LARGE = 1 << 20

Update = Callable[[float, float, int], bool | None]


def whole_update(rule: UpdateRule, arena: Arena, state: Sequence[Array]) -> Update | None:
    """The rule's update of all parameters; None where it has none, or oneDNN is not there.

    Returns:
        a function of the gradient's share, the learning rate and the updates done before, which
        tells whether the parameters are finite still: all of them, or another part each time, so
        that 16 updates look at all; or None, where it did nothing, as in a forked process.
    """
    l2 = rule.param.regularization_type == "L2" or not rule.param.weight_decay
    if not (l2 and arena.data.dtype == np.float32 and fast_engine()):
        return None
    try:
        if _says(rule, "loop") and arena.data.size >= _LARGE:
            with suppress(OneDNNError):  # no numba
                return update_by_loops(rule, arena, state)
        return update_by_passes(rule, arena, state) if _says(rule, "passes") else None
    except OneDNNError:
        return None


def _says(rule: UpdateRule, way: str) -> bool:
    """Whether the rule itself has the way: one that is derived may compute something else."""
    return way in vars(type(rule))
