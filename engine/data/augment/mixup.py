"""Mixup."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.data.augment.base import check
from engine.data.draws import Draws
from layers.blob import Array
from layers.errors import DemitasseError


class Mixup:
    """Each sample of a batch, and its label, mixed with the one as far from the batch's end.

    Formula: x[k] = s x[k] + (1 - s) x[n - 1 - k], labels likewise, s ~ Beta(alpha, alpha) for
    each k (Zhang et al. 2017). With ``classes`` a label becomes a row of one value a class.
    """

    def __init__(self, param: Any):
        check(0 < param.alpha <= 4, "mixup alpha", param.alpha, "above 0, at most 4")
        self._alpha, self._classes = param.alpha, param.classes

    def label_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a mixed label."""
        check(
            not (self._classes and shape), "mixup classes", f"labels of shape {shape}", "one number"
        )
        return (self._classes,) if self._classes else shape

    def __call__(self, arrays: Sequence[Array], draws: Sequence[Draws]) -> None:
        """Mixes a batch in place: data, then labels, these spread over the classes already."""
        shares = np.array([each.beta(self._alpha) for each in draws])
        for array in arrays:
            share = shares.astype(array.dtype).reshape(-1, *[1] * (array.ndim - 1))
            partners = array[::-1].copy()
            array -= partners
            array *= share
            array += partners

    def check_label(self, label: Array) -> None:
        """Raises a DemitasseError if the label is none of the classes."""
        if self._classes and label.ndim == 0 and label not in range(self._classes):
            raise DemitasseError(
                "the label is none of mixup's classes",
                got=f"{float(label):g}",
                expected=f"0 to {self._classes - 1}",
            )

    def spread(self, label: Array, out: Array) -> None:
        """Writes a label that was checked into its place in a batch."""
        if self._classes:
            out[...] = 0
            out[int(label)] = 1
        else:
            out[...] = label
