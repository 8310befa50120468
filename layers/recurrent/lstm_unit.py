"""LSTMUnit: one time step of the LSTM without its matrix products."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.lstm_unit import step, step_back
from layers.registry import register_layer


@register_layer("LSTMUnit")
class LSTMUnit(Layer):
    """The elementwise part of an LSTM's time step.

    Formula:    i, f, o = sigmoid, g = tanh of the gates' arguments;
                c = cont f c' + i g;   h = o tanh c
    Derivative: with D = dL/dc + dL/dh o (1 - tanh^2 c):  dL/dc' = D cont f, and for the arguments
                D g i (1 - i),  D cont c' f (1 - f),  dL/dh tanh(c) o (1 - o),  D i (1 - g^2)

    Shapes: bottoms c' (1, N, H), the arguments (1, N, 4 H) in the order i, f, o, g, and cont
    (1, N), 0 where a sequence begins and 1 where it goes on; tops c and h (1, N, H).

    Parameters: none.

    Example::

        layer { name: "c" type: "Input" top: "c" input_param { shape { dim: [1, 2, 3] } } }
        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [1, 2, 12] } } }
        layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: [1, 2] } } }
        layer {
          name: "unit" type: "LSTMUnit" bottom: "c" bottom: "x" bottom: "cont" top: "c1" top: "h1"
        }

    Source: Hochreiter & Schmidhuber, 1997; Gers et al., 2000; Caffe's LSTMUnit.
    """

    exact_num_bottom = 3
    exact_num_top = 2

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self.values: Array = np.empty(0)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        shape = bottom[0].shape
        if len(shape) != 3 or shape[0] != 1:
            raise self.error(f'"{bottom[0].name}" must have shape (1, N, H)', got=shape)
        for blob, expected in zip(
            bottom[1:], ((1, shape[1], 4 * shape[2]), shape[:2]), strict=True
        ):
            if blob.shape != expected:
                raise self.error(
                    f'"{blob.name}" does not fit "{bottom[0].name}" of shape {shape}',
                    got=blob.shape,
                    expected=expected,
                )
        for blob in top:
            blob.reshape(*shape)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != 2

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        memory, gates, cont = (blob.data[0] for blob in bottom)
        self.values = step(memory, gates, cont, top[0].data[0], top[1].data[0])

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        memory, cont, c = bottom[0].data[0], bottom[2].data[0], top[0].data[0]
        dgates = bottom[1].diff[0] if propagate_down[1] else np.empty_like(self.values)
        dc, dh = top[0].diff[0], top[1].diff[0]
        before = step_back(memory, self.values, cont, c, dc, dh, dgates)
        if propagate_down[0]:
            bottom[0].diff[0] = before
