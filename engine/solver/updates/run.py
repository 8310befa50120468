"""Run: the piece of the parameters that an update rule works on at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.net.params import Arena, Segment
from layers.blob import Array
from layers.kernels.combine import combine
from layers.kernels.scratch import scratch

# Elements. A rule passes over its run five to fifteen times; a run of this size stays in the
# cache meanwhile, which halves the time of an update of 25 million parameters.
_CACHED = 1 << 16


@dataclass(frozen=True)
class Run:
    """Values that lie side by side and have the same multipliers.

    Args:
        values: the parameters.
        gradient: their gradient, which the rule turns into the step.
        state: the same run of each of the rule's slots.
        lr_mult: factor on the solver's learning rate.
        decay_mult: factor on the solver's weight decay.
        starts: where in the run each parameter starts; of rules that ask for whole runs.
    """

    values: Array
    gradient: Array
    state: tuple[Array, ...]
    lr_mult: float
    decay_mult: float
    starts: NDArray[np.intp]

    @property
    def scratch(self) -> Array:
        """An array to compute in, this thread's; what it holds is of no meaning."""
        return scratch("update", self.values.shape, self.values.dtype)

    def blend(self, mean: Array, new: Array, keep: float) -> None:
        """mean <- keep * mean + (1 - keep) * new"""
        combine(1 - keep, new, keep, mean)


def make_runs(arena: Arena, state: Sequence[Array], whole: bool) -> list[Run]:
    """All parameters as runs.

    Args:
        arena: the parameters.
        state: the rule's slots.
        whole: whether a run must hold its parameters whole, rather than fit into the cache.
    """
    places = [
        (segment, place)
        for segment in arena.segments
        for place in ([segment.where] if whole else _blocks(segment.where))
    ]
    return [
        Run(
            arena.data[place],
            arena.diff[place],
            tuple(slot[place] for slot in state),
            segment.lr_mult,
            segment.decay_mult,
            _starts(arena, segment) if whole else np.empty(0, np.intp),
        )
        for segment, place in places
        if place.stop > place.start
    ]


def _blocks(where: slice) -> Iterator[slice]:
    for start in range(where.start, where.stop, _CACHED):
        yield slice(start, min(start + _CACHED, where.stop))


def _starts(arena: Arena, segment: Segment) -> NDArray[np.intp]:
    first, end = segment.where.start, segment.where.stop
    places = (place for _, place in arena.slots if place.stop > place.start)
    return np.array([p.start - first for p in places if first <= p.start < end], np.intp)
