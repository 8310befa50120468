"""An update as one compiled pass over the arena, with the fast engine; elsewhere run by run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.kernels.loops import need_loops, use_loop_threads
from engine.kernels.onednn.calls import OneDNNError
from engine.net.fast_passes import fast_engine
from engine.net.params import Arena
from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule
from layers.blob import Array
from layers.kernels.threads import thread_count

# Parameters from which on a pass less is worth the third of a second that numba takes to load.
_WORTH = 1 << 20

Update = Callable[[float, float, int], None]


def whole_update(
    rule: UpdateRule, param: SolverParameter, arena: Arena, state: Sequence[Array]
) -> Update | None:
    """The rule's whole update; None where it has no compiled loop, or that is not worth it.

    Returns:
        a function of the gradient's share, the learning rate and the updates done before.
    """
    l2 = param.regularization_type == "L2" or not param.weight_decay
    if not (_loop_of(rule) and l2 and arena.data.dtype == np.float32 and arena.data.size >= _WORTH):
        return None
    if not fast_engine():
        return None
    try:
        need_loops()
    except OneDNNError:
        return None
    return _compiled(rule, param, arena, state)


def _compiled(
    rule: UpdateRule, param: SolverParameter, arena: Arena, state: Sequence[Array]
) -> Update:
    from engine.kernels.loops import updates

    loop = getattr(updates, _loop_of(rule))
    starts = np.array([segment.where.start for segment in arena.segments])
    ends = np.array([segment.where.stop for segment in arena.segments])
    lr_mult = np.array([segment.lr_mult for segment in arena.segments])
    decay = param.weight_decay * np.array([segment.decay_mult for segment in arena.segments])
    apart = param.decoupled_decay or rule.decoupled
    slots = tuple(state)

    def update(share: float, rate: float, iteration: int) -> None:
        rates = rate * lr_mult
        shrinks = rates * decay if apart else np.zeros_like(decay)
        constants = tuple(map(np.float32, rule.constants(iteration)))
        parts = thread_count()
        use_loop_threads(parts)
        loop(arena.data, arena.diff, slots, starts, ends, _float(rates),
             _float(0 * decay if apart else decay), _float(shrinks), np.float32(share),
             constants, parts)  # fmt: skip

    return update


def _loop_of(rule: UpdateRule) -> str:
    """The rule's own loop: a class that is derived from it may compute something else."""
    return str(vars(type(rule)).get("loop", ""))


def _float(values: Array) -> Array:
    return values.astype(np.float32)
