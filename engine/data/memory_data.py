"""MemoryData: batches from arrays that the caller hands over."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from engine.data.options import read_options
from engine.data.order import DROP, DataOrder
from engine.data.readers.arrays import rows_of
from layers.base import Layer, State
from layers.blob import Array, Blob
from layers.errors import DemitasseError
from layers.registry import register_layer

log = logging.getLogger("demitasse")


@register_layer("MemoryData")
class MemoryData(Layer):
    """Serves the arrays given to :meth:`set_input_arrays`, batch after batch, round and round.

    Formula:    y = data[i : i + batch_size], and the labels likewise
    Derivative: none

    Shapes: no bottoms; top 0 (batch_size, channels, height, width); top 1 the labels,
    (batch_size, 1, 1, 1).

    Parameters (memory_data_param): batch_size, channels, height, width, all needed.
    (source_param): shuffle, seed, rand_skip and last_batch, as all sources; where it is given,
    the samples need not be whole batches. A transform_param does nothing, as in Caffe: hand over
    the values as the net is to see them.

    Example::

        layer {
          name: "data" type: "MemoryData" top: "data" top: "label"
          memory_data_param { batch_size: 2 channels: 1 height: 3 width: 4 }
        }

    Source: Caffe's MemoryData, and pycaffe's set_input_arrays.
    """

    exact_num_bottom = 0
    exact_num_top = 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.memory_data_param
        self._shape = (p.batch_size, p.channels, p.height, p.width)
        if 0 in self._shape:
            raise self.error(
                "needs batch_size, channels, height and width above 0", got=self._shape
            )
        if self.layer_param.HasField("transform_param"):
            log.warning(
                'layer "%s": transform_param does nothing to arrays that are handed over',
                self.name,
            )
        try:
            self._options = read_options(self.layer_param, p)
        except DemitasseError as problem:
            raise self.error(problem.what, problem.got, problem.expected, problem.hint) from problem
        self._arrays: tuple[Array, Array] | None = None
        self._order: DataOrder | None = None
        self._cursor = 0
        top[0].reshape(*self._shape)
        top[1].reshape(p.batch_size, 1, 1, 1)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        """The tops keep their shape."""

    def set_input_arrays(self, data: Array, labels: Array) -> None:
        """Hands over the arrays to serve; they are not copied.

        Args:
            data: float32, C-contiguous, (N, channels, height, width); without a source_param N
                is a multiple of batch_size.
            labels: float32, C-contiguous, (N,) or (N, 1, 1, 1).

        Raises:
            LayerError: an array has another type or shape.
        """
        if isinstance(labels, np.ndarray) and labels.ndim == 1:
            labels = labels.reshape(-1, 1, 1, 1)
        self._check("data", data, self._shape[1:])
        self._check("labels", labels, (1, 1, 1))
        if len(data) != len(labels):
            raise self.error("needs as many labels as data", len(labels), len(data))
        self._check_count(len(data))
        if self._arrays is not None:
            self._cursor = 0
        options = self._options
        self._arrays = data, labels
        self._order = DataOrder(
            len(data), self._shape[0], options.shuffle, options.seed,
            options.last_batch, options.skip,
        )  # fmt: skip

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        if self._arrays is None or self._order is None:
            raise self.error(
                "was given no data", hint="call set_input_arrays(data, labels) before forward"
            )
        rows = self._order.indices(self._cursor)
        for blob, array in zip(top, self._arrays, strict=True):
            blob.reshape(len(rows), *array.shape[1:])
            blob.data = rows_of(array, rows)
        self._cursor += self._shape[0]

    def get_state(self) -> State:
        return {"cursor": self._cursor}

    def set_state(self, state: State) -> None:
        # Kept when the arrays come only afterwards.
        self._cursor = int(state["cursor"])

    def _check_count(self, count: int) -> None:
        """Raises a LayerError unless so many samples make batches."""
        given = self.layer_param.HasField("source_param")
        fits = not given or self._options.last_batch != DROP or count >= self._shape[0]
        if count == 0 or not fits or (count % self._shape[0] and not given):
            wanted = f"{self._shape[0]} or more" if given else f"a multiple of {self._shape[0]}"
            raise self.error("needs whole batches", f"{count} samples", wanted)

    def _check(self, what: str, array: Array, inner: tuple[int, ...]) -> None:
        """Raises a LayerError unless the array is as pycaffe wants it."""
        if not isinstance(array, np.ndarray) or array.dtype != np.float32:
            got = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
            raise self.error(f"needs {what} of float32", got, hint="array.astype(np.float32)")
        if array.ndim != 4 or array.shape[1:] != inner:
            raise self.error(
                f"needs {what} of another shape", array.shape, f"(N, {', '.join(map(str, inner))})"
            )
        if not array.flags.c_contiguous:
            raise self.error(f"needs C-contiguous {what}", hint="np.ascontiguousarray(array)")
