"""Epochs wherever Caffe counts iterations: ``max_epoch``, ``test_epoch``, ``snapshot_epoch``."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

from engine.data.source_layer import SourceLayer
from engine.net import Net
from engine.schema import SolverParameter
from engine.spec.units import EPOCHS
from layers.errors import DemitasseError


def epoch_problems(param: SolverParameter, place: Callable[[str], str]) -> Iterator[DemitasseError]:
    """An error for each length that is given in epochs and iterations, or is not above 0."""
    for epochs, iterations in EPOCHS.items():
        if not param.HasField(epochs):
            continue
        value = getattr(param, epochs)
        if param.HasField(iterations):
            yield DemitasseError(
                f"{epochs} and {iterations} say the same in two units",
                place(epochs),
                f"{epochs} {value:g}, {iterations} {getattr(param, iterations)}",
                "one of the two",
                id="DM409",
            )
        if not 0 < value < math.inf:
            what = f"{epochs} must be above 0"
            yield DemitasseError(what, place(epochs), f"{value:g}", id="DM409")


class Interval:
    """Something that happens every so many iterations; their number may be a fraction.

    The k-th time is after ceil(k * length) iterations, so that intervals in epochs stay with
    the epochs, and the last one ends with the training.

    Args:
        length: in iterations; 0: it never happens.
    """

    def __init__(self, length: Fraction):
        self._length = length

    def ends_at(self, iteration: int) -> bool:
        """Whether it happens after so many iterations."""
        return self._length > 0 and iteration % self._length < 1


def resolve_epochs(param: SolverParameter, net: Net) -> tuple[Interval, Interval]:
    """Replaces epochs by iterations: rounded up, so that every sample of an epoch is seen.

    iterations = ceil(epochs * sample_count / (batch_size * iter_size))

    Args:
        param: the solver's settings; changed.
        net: the net that is trained; its first source with a number of samples counts.

    Returns:
        when to test, and when to write snapshots.

    Raises:
        DemitasseError: the net has no such source.
    """
    lengths = {}
    for epochs, iterations in EPOCHS.items():
        length = Fraction(getattr(param, iterations))
        if param.HasField(epochs):
            # The field is a float32: 0.1 is a little more than that, and must not round up.
            exact = Fraction(f"{getattr(param, epochs):.7g}")
            length = exact * _epoch(param, net, epochs)
            setattr(param, iterations, math.ceil(length))
            param.ClearField(epochs)
        lengths[iterations] = length
    return Interval(lengths["test_interval"]), Interval(lengths["snapshot"])


def _epoch(param: SolverParameter, net: Net, field: str) -> Fraction:
    """Iterations in an epoch."""
    for layer in net.layers:
        if isinstance(layer, SourceLayer) and layer.sample_count:
            return Fraction(layer.sample_count, layer.batch_size * param.iter_size)
    raise DemitasseError(
        f"{field} needs a source that knows how many samples it has",
        "solver",
        ", ".join(layer.type for layer in net.layers if not layer.layer_param.bottom) or "none",
        hint=f"give {EPOCHS[field]}, the same in iterations",
    )
