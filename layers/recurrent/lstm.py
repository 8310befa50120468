"""LSTM: long short-term memory over a sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Array, Blob
from layers.kernels.lstm_unit import step, step_back
from layers.kernels.product import add_product
from layers.kernels.threads import share
from layers.recurrent.recurrent import RecurrentLayer
from layers.registry import register_layer


@register_layer("LSTM")
class LSTM(RecurrentLayer):
    """Long short-term memory.

    Formula:    z_t = W x_t + b + W_s x_s + U (cont_t h_t-1), the arguments of gates i, f, o, g;
                c_t = cont_t f c_t-1 + i g;   h_t = o tanh c_t   (i, f, o sigmoid, g tanh of z_t)
    Derivative: backpropagation through the T steps (see LSTMUnit for one); no gradient
                enters or leaves through the states at the ends

    Shapes: bottoms x (T, N, ...); cont (T, N), 0 where a sequence begins and 1 where it goes on;
    then x_s (N, ...), if wished; then with expose_hidden h_0 and c_0 (1, N, H). Tops h (T, N, H);
    with expose_hidden also h_T and c_T (1, N, H). blobs: W (4 H, inputs), b (4 H,), W_s (4 H,
    static inputs) if there is an x_s, U (4 H, H). Without expose_hidden the state is carried
    from each forward to the next.

    Parameters (recurrent_param): num_output, which is H; weight_filler; bias_filler;
    expose_hidden (false).

    Example::

        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [3, 2, 4] } } }
        layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: [3, 2] } } }
        layer {
          name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
          recurrent_param { num_output: 3 weight_filler { type: "xavier" } }
        }

    Source: Hochreiter & Schmidhuber, 1997; Donahue et al., CVPR 2015; Caffe's LSTM.
    """

    num_states = 2
    gates = 4

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        z, cont, y = self.inputs(bottom), bottom[1].data, top[0].data
        start, cell = self.start(bottom)
        recurrent = self.blobs[self.recurrent].data.T
        # What backward needs: gates, cells with the one before the first, and cont_t h_t-1.
        self.values, self.cells = np.empty_like(z), np.empty((len(z) + 1, *cell.shape), z.dtype)
        self.before: Array = np.empty_like(y)
        self.cells[0] = cell

        def some(n: slice) -> None:
            h = start[n]
            for t in range(len(z)):
                before = np.multiply(h, cont[t, n, None], out=self.before[t, n])
                z[t, n] += before @ recurrent
                states = (cont[t, n], self.cells[t + 1, n], y[t, n])
                self.values[t, n] = step(self.cells[t, n], z[t, n], *states)
                h = y[t, n]

        share(some, len(start), self.size(z))
        self.finish((y[-1] if len(y) else start, self.cells[-1]), top)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        cont, dy, recurrent = bottom[1].data, top[0].diff, self.blobs[self.recurrent]
        dz = np.empty_like(self.values)

        def some(n: slice) -> None:
            dh = dc = np.zeros_like(dy[0, n])
            for t in reversed(range(len(dz))):
                dh = dh + dy[t, n]
                saved = (self.cells[t, n], self.values[t, n], cont[t, n], self.cells[t + 1, n])
                dc = step_back(*saved, dc, dh, dz[t, n])
                dh = (dz[t, n] @ recurrent.data) * cont[t, n, None]

        share(some, dz.shape[1], self.size(dz))
        if self.param_propagate_down[self.recurrent]:
            rows = dz.reshape(-1, dz.shape[2])
            add_product(rows.T, self.before.reshape(len(rows), -1), recurrent.diff)
        self.inputs_back(bottom, dz, propagate_down)
