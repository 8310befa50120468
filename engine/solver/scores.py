"""The outputs of a net as named numbers."""

from __future__ import annotations

import math

import numpy as np

from engine.net import Net
from engine.snapshot import progress
from engine.solver.average import Average
from engine.solver.whole_set import mean_over_set
from layers.blob import Array

AVERAGED = "ema/"  # in front of the scores of the averaged weights


def score_net(net: Net, iterations: int, average: Average | None) -> dict[str, float]:
    """The scores of a test net, of the averaged weights too where there is an average.

    Both see the same batches, and the average changes nothing of what a run without it does.

    Args:
        net: the test net, its parameters those of the net that is trained.
        iterations: batches; 0: every sample once.
        average: the averaged weights, if they are to be tested.
    """
    # What leaves the numbers shows in the scores; no operation need say it.
    with np.errstate(all="ignore"):
        return _scores(net, iterations, average)


def _scores(net: Net, iterations: int, average: Average | None) -> dict[str, float]:
    before = progress.capture(net) if average is not None else None
    scores = mean_outputs(net, iterations)
    if average is None or before is None:
        return scores
    averaged = scores
    if average.begun:
        progress.restore(net, before)
        with average.installed():
            averaged = mean_outputs(net, iterations)
    return scores | {AVERAGED + name: value for name, value in averaged.items()}


def mean_outputs(net: Net, iterations: int) -> dict[str, float]:
    """The mean over so many batches of each output (of each number of it, if several).

    As in Caffe every batch counts alike. With 0 iterations it is the mean over the whole set
    that the net's source holds, and every sample counts alike.
    """
    means = mean_over_set(net) if iterations == 0 else _mean_over_batches(net, iterations)
    return {
        label: float(value)
        for name, mean in means.items()
        for label, value in zip(_labels(name, mean.shape), mean.flat, strict=True)
    }


def score_names(net: Net) -> list[str]:
    """The names of the scores that a test of the net gives."""
    return [label for name in net.outputs for label in _labels(name, net.blobs[name].shape)]


def scalar_outputs(net: Net) -> dict[str, float]:
    """The outputs of a net that are single numbers."""
    blobs = ((name, net.blobs[name]) for name in net.outputs)
    return {name: float(blob.data.item()) for name, blob in blobs if blob.count == 1}


def _mean_over_batches(net: Net, iterations: int) -> dict[str, Array]:
    totals: dict[str, Array] = {}
    for _ in range(iterations):
        for name, values in net.forward().items():
            totals[name] = totals.get(name, 0) + values.astype(np.float64)
    return {name: np.asarray(total / iterations) for name, total in totals.items()}


def _labels(name: str, shape: tuple[int, ...]) -> list[str]:
    count = math.prod(shape)
    return [name] if count == 1 else [f"{name}[{index}]" for index in range(count)]
