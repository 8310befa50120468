"""Updates as oneDNN's passes over the arena.

A pass is shared out among the threads that the net's own primitives run in, and reads its rates
and shares as it runs. Long runs go in blocks, so that the second pass over one finds it in the
cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from engine.kernels.onednn.elementwise import Factor, Passes
from engine.kernels.onednn.places import on_own_core
from engine.kernels.onednn.threads import use_threads
from engine.net.params import Arena, Segment
from engine.solver.updates.base import UpdateRule
from engine.solver.updates.finite import all_finite
from engine.solver.updates.whole.block import Block
from layers.blob import Array
from layers.errors import DemitasseError
from layers.kernels.threads import computing, thread_count

_BLOCK = 1 << 19  # elements; three or four arrays of them stay in a processor's last cache
# The elements that are looked at after each update, and the most updates that it may take until
# all have been.
_LOOK, _PARTS = 1 << 19, 16


def update_by_passes(
    rule: UpdateRule, arena: Arena, state: Sequence[Array]
) -> Callable[[float, float, int], bool]:
    """The update as passes; see :func:`engine.solver.updates.whole.choice.whole_update`.

    Raises:
        OneDNNError: oneDNN has no such pass here.
    """
    passes = Passes()
    factors = [tuple(Factor() for _ in rule.factors) for _ in arena.segments]
    for segment, its in zip(arena.segments, factors, strict=True):
        for place in _blocks(segment):
            slots = tuple(slot[place] for slot in state)
            rule.passes(passes, Block(arena.data[place], arena.diff[place], slots, its))
    passes.bind()

    def update(share: float, rate: float, iteration: int) -> bool:
        for segment, its in zip(arena.segments, factors, strict=True):
            values = rule.factor_values(segment, rate, share, iteration)
            for factor, value in zip(its, values, strict=True):
                factor.set(value)
        use_threads(thread_count())
        with on_own_core():
            for call in passes.calls:
                if call():
                    raise DemitasseError("oneDNN could not update the parameters")
        return _part_is_finite(arena.data, iteration)

    return update


def _blocks(segment: Segment) -> list[slice]:
    first, stop = segment.where.start, segment.where.stop
    return [slice(at, min(at + _BLOCK, stop)) for at in range(first, stop, _BLOCK)]


def _part_is_finite(values: Array, iteration: int) -> bool:
    # A large arena is out of the cache by now: to read it all would take a tenth of the update.
    parts = max(1, min(_PARTS, -(-values.size // _LOOK)))
    size = -(-values.size // parts)
    start = iteration % parts * size
    with computing(), np.errstate(all="ignore"):
        return all_finite(values[start : start + size])
