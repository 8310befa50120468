"""MultiHeadAttention: every position gathers from all others what concerns it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.softmax import softmax
from layers.registry import register_layer


@register_layer("MultiHeadAttention")
class MultiHeadAttention(Layer):
    """Scaled dot-product attention with several heads, and its four projections.

    Formula:    q = x Wq^T + bq,  k = m Wk^T + bk,  v = m Wv^T + bv, each cut into heads of d
                values;   a = softmax(q k^T / sqrt(d)),  o = a v,  y = o Wo^T + bo
    Derivative: do = dy Wo;  da = do v^T,  dv = a^T do;  ds = a (da - sum da a);
                dq = ds k / sqrt(d),  dk = ds^T q / sqrt(d);   dx = dq Wq,  dm = dk Wk + dv Wv;
                each dW = (gradient of its output)^T (its input), each db the sum over rows

    Shapes: bottom 0 x (N, T, C); bottom 1 m (N, S, E), x itself without it; top (N, T, D),
    D = num_output. blobs: Wq (D, C), Wk and Wv (D, E), Wo (D, D); then, with bias_term, bq, bk,
    bv, bo, each (D,).

    Parameters (multi_head_attention_param): num_heads (1), which must divide D; num_output (C);
    causal (false): position t sees positions up to t only; bias_term (true); weight_filler;
    bias_filler.

    Example::

        layer { name: "x" type: "Input" top: "x" input_param { shape { dim: [2, 3, 4] } } }
        layer {
          name: "attention" type: "MultiHeadAttention" bottom: "x" top: "attention"
          multi_head_attention_param {
            num_heads: 2 causal: true weight_filler { type: "xavier" }
          }
        }

    Source: Vaswani et al., NeurIPS 2017.
    """

    min_bottom = 1
    max_bottom = 2
    exact_num_top = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        for blob in bottom:
            if blob.num_axes != 3:
                raise self.error(
                    f'bottom "{blob.name}" must have three axes', blob.shape, "(N, length, width)"
                )
        p, width = self.layer_param.multi_head_attention_param, bottom[0].shape[2]
        out, inner = p.num_output or width, bottom[-1].shape[2]
        if p.num_heads == 0 or out == 0 or out % p.num_heads:
            raise self.error(
                "cannot share its outputs among the heads", f"{out}, {p.num_heads} heads"
            )
        self._heads, self._scale = p.num_heads, 1 / math.sqrt(out // p.num_heads)
        for inputs in (width, inner, inner, out):
            self.add_blob((out, inputs), p.weight_filler)
        for _ in range(4 if p.bias_term else 0):
            self.add_blob((out,), p.bias_filler)

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        widths = [self.blobs[0].shape[1], self.blobs[1].shape[1]]
        for blob, width in zip(bottom, widths, strict=False):
            if blob.num_axes != 3 or blob.shape[2] != width or blob.shape[1] == 0:
                raise self.error(
                    f'bottom "{blob.name}" does not fit the weights',
                    got=f"shape {blob.shape}",
                    expected=f"(N, length, {width})",
                )
        if bottom[-1].shape[0] != bottom[0].shape[0]:
            raise self.error(
                f'"{bottom[0].name}" and "{bottom[1].name}" must agree in the first axis',
                got=f"{bottom[0].shape} and {bottom[1].shape}",
            )
        top[0].reshape(*bottom[0].shape[:2], self.blobs[0].shape[0])

    def forward(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        x, memory = bottom[0].data, bottom[-1].data
        self._q, self._k, self._v = (
            self._cut(self._project(i, source)) for i, source in enumerate((x, memory, memory))
        )
        scores = self._q @ self._k.swapaxes(2, 3)
        scores *= self._scale
        if self.layer_param.multi_head_attention_param.causal:
            scores += np.triu(np.full(scores.shape[2:], -np.inf, scores.dtype), 1)
        softmax(scores, 3, out=scores)
        self._weights: Array = scores
        self._joined: Array = self._join(scores @ self._v)
        top[0].data = self._project(3, self._joined)

    def backward(
        self, top: Sequence[Blob], propagate_down: Sequence[bool], bottom: Sequence[Blob]
    ) -> None:
        x, memory, a = bottom[0].data, bottom[-1].data, self._weights
        d_out = self._cut(self._unproject(3, top[0].diff, self._joined))
        d_scores = d_out @ self._v.swapaxes(2, 3)
        d_scores -= np.einsum("nhts,nhts->nht", d_scores, a)[..., None]
        d_scores *= a
        d_scores *= self._scale
        dx = self._unproject(0, self._join(d_scores @ self._k), x)
        d_memory = self._unproject(1, self._join(d_scores.swapaxes(2, 3) @ self._q), memory)
        d_memory += self._unproject(2, self._join(a.swapaxes(2, 3) @ d_out), memory)
        if len(bottom) == 1:
            dx += d_memory
        for blob, wanted, gradient in zip(bottom, propagate_down, (dx, d_memory), strict=False):
            if wanted:
                blob.diff = gradient

    def _project(self, which: int, values: Array) -> Array:
        result = values @ self.blobs[which].data.T
        if len(self.blobs) > 4:
            result += self.blobs[which + 4].data
        return result

    def _unproject(self, which: int, dy: Array, x: Array) -> Array:
        """The gradient by the input of a projection; adds those by its parameters."""
        rows, inputs = dy.reshape(-1, dy.shape[2]), x.reshape(-1, x.shape[2])
        if self.param_propagate_down[which]:
            self.blobs[which].diff += rows.T @ inputs
        if len(self.blobs) > 4 and self.param_propagate_down[which + 4]:
            self.blobs[which + 4].diff += rows.sum(axis=0)
        return dy @ self.blobs[which].data

    def _cut(self, values: Array) -> Array:
        """(N, T, D) as (N, heads, T, D / heads)."""
        n, length, width = values.shape
        return values.reshape(n, length, self._heads, width // self._heads).swapaxes(1, 2)

    def _join(self, values: Array) -> Array:
        """(N, heads, T, d) as (N, T, heads d)."""
        n, heads, length, width = values.shape
        return values.swapaxes(1, 2).reshape(n, length, heads * width)
