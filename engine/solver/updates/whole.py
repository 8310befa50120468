"""Updates as oneDNN's passes over the arena, with the fast engine; elsewhere NumPy's, run by run.

A pass is shared out among the threads that the net's own primitives run in, and reads its rates
and shares as it runs. Long runs go in blocks, so that the second pass over one finds it in the
cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.elementwise import Factor, Passes
from engine.kernels.onednn.places import on_own_core
from engine.kernels.onednn.threads import use_threads
from engine.net.fast_passes import fast_engine
from engine.net.params import Arena, Segment
from engine.schema import SolverParameter
from engine.solver.updates.base import UpdateRule
from engine.solver.updates.block import Block
from layers.blob import Array
from layers.errors import DemitasseError
from layers.kernels.threads import thread_count

_BLOCK = 1 << 19  # elements; three or four arrays of them stay in a processor's last cache

Update = Callable[[float, float, int], None]


@dataclass(frozen=True)
class _Rated:
    """The factors of the parameters that have the same multipliers."""

    segment: Segment
    keep: Factor = field(default_factory=Factor)
    factors: dict[str, Factor] = field(default_factory=dict)


def whole_update(
    rule: UpdateRule, param: SolverParameter, arena: Arena, state: Sequence[Array]
) -> Update | None:
    """The rule's update of all parameters; None where it has none, or oneDNN is not there.

    Returns:
        a function of the gradient's share, the learning rate and the updates done before.
    """
    # A rule that is derived from another may compute something else, so it must say this, too.
    told = "passes" in vars(type(rule))
    l2 = param.regularization_type == "L2" or not param.weight_decay
    if not (told and l2 and arena.data.dtype == np.float32 and fast_engine()):
        return None
    try:
        return _prepared(rule, param, arena, state)
    except OneDNNError:
        return None


def _prepared(
    rule: UpdateRule, param: SolverParameter, arena: Arena, state: Sequence[Array]
) -> Update:
    passes, rated = Passes(), []
    for segment in arena.segments:
        rated.append(_Rated(segment))
        first, stop = segment.where.start, segment.where.stop
        for start in range(first, stop, _BLOCK):
            place = slice(start, min(start + _BLOCK, stop))
            slots = tuple(slot[place] for slot in state)
            factors = rated[-1].factors
            factors.update({name: Factor() for name in rule.factors if name not in factors})
            rule.passes(
                passes,
                Block(arena.data[place], arena.diff[place], slots, factors, rated[-1].keep),
            )
    passes.bind()
    apart = param.decoupled_decay or rule.decoupled

    def update(share: float, rate: float, iteration: int) -> None:
        for group in rated:
            pace = rate * group.segment.lr_mult
            decay = param.weight_decay * group.segment.decay_mult
            group.keep.set(1 - pace * decay if apart else 1.0)
            told = rule.told(pace, share, 0.0 if apart else decay, iteration)
            for name, value in zip(rule.factors, told, strict=True):
                group.factors[name].set(value)
        use_threads(thread_count())
        with on_own_core():
            for call in passes.calls:
                if call():
                    raise DemitasseError("oneDNN could not update the parameters")

    return update
