"""How far predicted classes and boxes are from what they should be, row by row."""

from __future__ import annotations

import numpy as np

from layers.blob import Array
from layers.kernels.softmax import softmax
from layers.loss.softmax_loss import log


def class_losses(scores: Array, target: Array, logistic: bool) -> tuple[Array, Array]:
    """The loss (K,) of each row of scores (K, classes), and their probabilities.

    Args:
        target: rows of ones and zeros.
        logistic: a sigmoid for each class, instead of a softmax over all of them.
    """
    if logistic:
        tail = np.exp(-np.abs(scores))
        losses = np.maximum(scores, 0) - scores * target + np.log1p(tail)
        return losses.sum(axis=1), np.where(scores >= 0, 1, tail) / (1 + tail)
    prob = np.empty_like(scores)
    softmax(scores, 1, out=prob)
    return -(log(prob) * target).sum(axis=1), prob


def box_losses(difference: Array, square: bool) -> Array:
    """The loss (M,) of each row of differences (M, 4): SmoothL1, or half the square."""
    squares = 0.5 * np.square(difference)
    if square:
        return squares.sum(axis=1)
    distance = np.abs(difference)
    return np.where(distance < 1, squares, distance - 0.5).sum(axis=1)
