"""Updates as compiled loops over the arena, which need numba."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.kernels.loops import need_loops, use_loop_threads
from engine.kernels.onednn.places import on_own_core
from engine.kernels.onednn.threads import is_left_alone, use_threads
from engine.net.params import Arena
from engine.solver.updates.base import UpdateRule
from layers.blob import Array
from layers.kernels.threads import thread_count


def update_by_loops(
    rule: UpdateRule, arena: Arena, state: Sequence[Array]
) -> Callable[[float, float, int], bool | None]:
    """The update as one pass; see :func:`engine.solver.updates.whole.choice.whole_update`.

    Raises:
        OneDNNError: numba is not there.
    """
    need_loops()
    from engine.kernels.loops import update_steps
    from engine.kernels.loops.updates import update as loop

    slots = getattr(update_steps, rule.loop)(*state)
    places = np.array([(s.where.start, s.where.stop) for s in arena.segments], np.int64)
    constants = [getattr(rule.param, name) for name in rule.constants]

    def update(share: float, rate: float, iteration: int) -> bool | None:
        if is_left_alone():  # the loops' threads are not in this process, which they would end
            return None
        told = (rule.factor_values(s, rate, share, iteration) for s in arena.segments)
        factors = np.array([[*constants, *values] for values in told], np.float32)
        threads = thread_count()
        use_threads(threads)
        use_loop_threads(threads)
        with on_own_core():
            return bool(loop(places, factors, threads, arena.data, arena.diff, slots))

    return update
