"""What the neuron layers share whose derivative needs x even after running in place."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import NeuronLayer
from layers.blob import Array, Blob


class KeptInputLayer(NeuronLayer):
    """Keeps a copy of x when it runs in place, where y overwrites it."""

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().reshape(bottom, top)
        shape = bottom[0].shape if top[0] is bottom[0] else ()
        self._kept: Array = np.empty(shape, self.context.dtype)

    def keep(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> Array:
        """x, for forward; to be called before y is written."""
        if top[0] is bottom[0]:
            np.copyto(self._kept, bottom[0].data)
        return bottom[0].data

    def kept(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> Array:
        """x, for backward."""
        return self._kept if top[0] is bottom[0] else bottom[0].data
