"""What Flatten and Reshape have in common: the same values under another shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Blob


class ViewLayer(Layer):
    """One top that shares the data and the diff of the one bottom."""

    exact_num_bottom = 1
    exact_num_top = 1

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        top[0].reshape(*self.top_shape(bottom[0]))
        top[0].share_data(bottom[0])
        top[0].share_diff(bottom[0])

    def top_shape(self, bottom: Blob) -> tuple[int, ...]:
        """The shape of the top; of as many elements as the bottom has."""
        raise NotImplementedError

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        # Again, in case the bottom was moved to other storage since.
        top[0].share_data(bottom[0])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        dx, dy = bottom[0].diff, top[0].diff
        if propagate_down[0] and not np.may_share_memory(dx, dy):
            np.copyto(dx, dy.reshape(dx.shape))
