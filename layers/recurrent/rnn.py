"""RNN: the simple recurrent network over a sequence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Array, Blob
from layers.recurrent.recurrent import RecurrentLayer
from layers.registry import register_layer


@register_layer("RNN")
class RNN(RecurrentLayer):
    """Simple recurrent network with a hidden layer and an output layer.

    Formula:    h_t = tanh(W x_t + b + W_s x_s + U (cont_t h_t-1));   y_t = tanh(V h_t + d)
    Derivative: backpropagation through the T steps; no gradient enters or leaves through
                the states at the ends

    Shapes: bottoms x (T, N, ...); cont (T, N), 0 where a sequence begins and 1 where it goes on;
    then x_s (N, ...), if wished; then with expose_hidden h_0 (1, N, H). Tops y (T, N, H); with
    expose_hidden also h_T (1, N, H). blobs: W (H, inputs), b (H,), W_s (H, static inputs) if
    there is an x_s, U (H, H), V (H, H), d (H,). Without expose_hidden the state is carried from
    each forward to the next.

    Parameters (recurrent_param): num_output, which is H; weight_filler; bias_filler;
    expose_hidden (false).

    Example::

        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [3, 2, 4] } } }
        layer { name: "cont" type: "Input" top: "cont" input_param { shape { dim: [3, 2] } } }
        layer {
          name: "rnn" type: "RNN" bottom: "x" bottom: "cont" top: "y"
          recurrent_param { num_output: 3 weight_filler { type: "xavier" } }
        }

    Source: Elman, 1990; Caffe's RNN.
    """

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        super().setup(bottom, top)
        p = self.layer_param.recurrent_param
        self.add_blob((self.units, self.units), p.weight_filler)
        self.add_blob((self.units,), p.bias_filler)

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        hidden, cont = self.inputs(bottom), bottom[1].data
        (h,) = self.start(bottom)
        recurrent, (weights, bias) = self.blobs[self.recurrent].data.T, self.blobs[-2:]
        self.before: Array = np.empty_like(hidden)
        for t in range(len(hidden)):
            np.multiply(h, cont[t][:, None], out=self.before[t])
            hidden[t] += self.before[t] @ recurrent
            h = np.tanh(hidden[t], out=hidden[t])
        self.hidden: Array = hidden
        out = hidden.reshape(-1, self.units) @ weights.data.T + bias.data
        self.out: Array = np.tanh(out).reshape(hidden.shape)
        np.copyto(top[0].data, self.out)
        self.finish((h,), top)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        cont, recurrent = bottom[1].data, self.blobs[self.recurrent]
        weights, bias = self.blobs[-2:]
        dout = (top[0].diff * (1 - self.out * self.out)).reshape(-1, self.units)
        if self.param_propagate_down[-2]:
            weights.diff += dout.T @ self.hidden.reshape(-1, self.units)
        if self.param_propagate_down[-1]:
            bias.diff += dout.sum(axis=0)
        dz = (dout @ weights.data).reshape(self.hidden.shape)
        dh = np.zeros_like(dz[0])
        for t in reversed(range(len(dz))):
            dz[t] += dh
            dz[t] *= 1 - self.hidden[t] * self.hidden[t]
            dh = (dz[t] @ recurrent.data) * cont[t][:, None]
        if self.param_propagate_down[self.recurrent]:
            rows = dz.reshape(-1, self.units)
            recurrent.diff += rows.T @ self.before.reshape(-1, self.units)
        self.inputs_back(bottom, dz, propagate_down)
