"""The outputs of a net as named numbers."""

from __future__ import annotations

import math
from functools import partial
from typing import Protocol

import numpy as np

from engine.net import Net
from engine.snapshot import progress
from engine.solver.average import Average
from engine.solver.whole_set import mean_over_set
from layers.blob import Array, Blob

AVERAGED = "ema/"  # in front of the scores of the averaged weights
TEST_LOSS = "test_loss"  # the score that test_compute_loss adds


def score_net(
    net: Net, iterations: int, average: Average | None, with_loss: bool = False
) -> dict[str, float]:
    """The scores of a test net, of the averaged weights too where there is an average.

    Both see the same batches, and the average changes nothing of what a run without it does.

    Args:
        net: the test net, its parameters those of the net that is trained.
        iterations: batches; 0: every sample once.
        average: the averaged weights, if they are to be tested.
        with_loss: whether the weighted sum of all losses is a score too (``test_compute_loss``).
    """
    # What leaves the numbers shows in the scores; no operation need say it.
    with np.errstate(all="ignore"):
        return _scores(net, iterations, average, with_loss)


def _scores(
    net: Net, iterations: int, average: Average | None, with_loss: bool
) -> dict[str, float]:
    before = progress.capture(net) if average is not None else None
    scores = mean_outputs(net, iterations, with_loss)
    if average is None or before is None:
        return scores
    averaged = scores
    if average.begun:
        after = progress.capture(net)
        progress.restore(net, before)
        with average.installed():
            averaged = mean_outputs(net, iterations, with_loss)
        progress.restore(net, after)  # what a recurrent layer remembers comes of the weights
    return scores | {AVERAGED + name: value for name, value in averaged.items()}


def mean_outputs(net: Net, iterations: int, with_loss: bool = False) -> dict[str, float]:
    """The mean over so many batches of each output (of each number of it, if several).

    As in Caffe every batch counts alike. With 0 iterations it is the mean over the whole set
    that the net's source holds, and every sample counts alike.
    """
    over = mean_over_set if iterations == 0 else partial(_mean_over_batches, iterations=iterations)
    means, loss = over(net)
    scores = {
        label: float(value)
        for name, mean in means.items()
        for label, value in zip(_labels(name, mean.shape), mean.flat, strict=True)
    }
    return {**scores, TEST_LOSS: scores.get(TEST_LOSS, loss)} if with_loss else scores


class Scored(Protocol):
    """A net as far as the names of its scores go."""

    outputs: list[str]
    blobs: dict[str, Blob]


def score_names(net: Scored, with_loss: bool = False) -> list[str]:
    """The names of the scores that a test of the net gives."""
    names = [label for name in net.outputs for label in _labels(name, net.blobs[name].shape)]
    return list(dict.fromkeys([*names, TEST_LOSS])) if with_loss else names


def scalar_outputs(net: Net) -> dict[str, float]:
    """The outputs of a net that are single numbers."""
    blobs = ((name, net.blobs[name]) for name in net.outputs)
    return {name: float(blob.data.item()) for name, blob in blobs if blob.count == 1}


def _mean_over_batches(net: Net, iterations: int) -> tuple[dict[str, Array], float]:
    totals: dict[str, Array] = {}
    loss = 0.0
    for _ in range(iterations):
        loss += net.forward_from_to(0, len(net.nodes) - 1)
        for name in net.outputs:
            totals[name] = totals.get(name, 0) + net.blobs[name].data.astype(np.float64)
    means = {name: np.asarray(total / iterations) for name, total in totals.items()}
    return means, loss / iterations


def _labels(name: str, shape: tuple[int, ...]) -> list[str]:
    count = math.prod(shape)
    return [name] if count == 1 else [f"{name}[{index}]" for index in range(count)]
