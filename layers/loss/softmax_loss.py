"""What the losses on the softmax of scores and labels have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import LossLayer
from layers.blob import Array, Blob
from layers.kernels.labels import check_label_count, ignored_label, read_labels
from layers.kernels.normalizer import normalizer
from layers.kernels.softmax import softmax

# A probability that underflowed to 0 still has a finite logarithm.
SMALLEST = float(np.finfo(np.float32).tiny)


class SoftmaxLossLayer(LossLayer):
    """Computes ``prob``, reads ``labels``, knows which are ``ignored`` and the ``divisor``.

    ``labels`` and ``ignored`` (None where nothing can be ignored) have the scores' shape with
    length 1 along ``class_axis``; an ignored label reads as 0.
    """

    exact_num_top = None  # type: ignore[assignment]
    min_top = 1
    max_top = 2

    prob: Array
    labels: Array
    ignored: Array | None
    divisor: float

    def wanted_axis(self) -> int:
        """The axis of the classes as the config gives it."""
        return self.layer_param.softmax_param.axis

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        self.class_axis = self.axis(bottom[0], self.wanted_axis())
        shape = bottom[0].shape
        if shape[self.class_axis] == 0:
            raise self.error(f'bottom "{bottom[0].name}" has no classes', f"shape {shape}")
        check_label_count(self, bottom[1], shape, self.class_axis)
        self._ignore = ignored_label(self.layer_param.loss_param)
        self._find_places(shape)
        self.divisor = self._count_valid(self._first.size)
        self.prob = np.empty(shape, self.context.dtype)
        if len(top) > 1:
            top[1].reshape(*shape)

    def _find_places(self, shape: tuple[int, ...]) -> None:
        """Where class 0 of each label lies in flat scores, and how far apart the classes are."""
        before, after = shape[: self.class_axis], shape[self.class_axis + 1 :]
        self._step, self._outer = math.prod(after), math.prod(before)
        rows = np.arange(self._outer) * shape[self.class_axis] * self._step
        self._first = np.add.outer(rows, np.arange(self._step)).reshape(*before, 1, *after)

    def _count_valid(self, valid: int) -> float:
        """The divisor, of so many labels that are not ignored."""
        p, count = self.layer_param.loss_param, self._first.size
        return normalizer(p, "VALID", count, valid, self._outer)

    def predict(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The first half of forward: everything but the loss."""
        axis, shape = self.class_axis, bottom[0].shape
        softmax(bottom[0].data, axis, out=self.prob)
        if len(top) > 1:
            top[1].data = self.prob
        labels = read_labels(self, bottom[1], shape[axis], self._ignore)
        self.labels, self.ignored = labels.reshape(self._first.shape), None
        if self._ignore is not None:
            self.ignored = self.labels == self._ignore
            self.divisor = self._count_valid(labels.size - int(np.count_nonzero(self.ignored)))
            self.labels = np.where(self.ignored, 0, self.labels)
        self._places = self._first + self.labels * self._step

    def pick(self, values: Array) -> Array:
        """The value at each label."""
        return values.reshape(-1)[self._places]

    def put(self, values: Array, picked: Array) -> None:
        """Writes back what :meth:`pick` took."""
        values.reshape(-1)[self._places] = picked

    def clear_ignored(self, values: Array) -> None:
        """Sets to zero what belongs to ignored labels."""
        if self.ignored is not None:
            np.copyto(values, 0, where=self.ignored)


def log(prob: Array) -> Array:
    """The logarithm of probabilities, finite for those that underflowed to 0."""
    result = np.maximum(prob, SMALLEST)
    return np.log(result, out=result)
