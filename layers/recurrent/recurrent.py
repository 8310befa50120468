"""What RNN and LSTM share: bottoms, parameters, and a state that outlives a forward."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from layers.base import Layer, State
from layers.blob import Array, Blob
from layers.kernels.product import add_product, multiply
from layers.kernels.threads import OPERATIONS


class RecurrentLayer(Layer):
    """Runs over T time steps of N streams.

    A subclass says how many states it carries (``num_states``), and how many rows its input
    weights have for each unit (``gates``).

    The bottoms are x (T, N, ...); cont (T, N), 0 where a stream begins a new sequence; a static
    input (N, ...) if wished; and with expose_hidden the states (1, N, H), which otherwise are
    those that the previous forward ended with (zeros at first). No gradient enters or leaves
    through the states: a sequence cut into pieces is trained piece by piece.
    """

    num_states = 1
    gates = 1

    def setup(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        p = self.layer_param.recurrent_param
        self.exposed = self.num_states if p.expose_hidden else 0
        self.exposed_from = len(bottom) - self.exposed
        self._check_counts(len(bottom), len(top))
        if p.num_output == 0:
            raise self.error("needs recurrent_param.num_output above 0")
        self.units: int = p.num_output
        self.static = len(bottom) > 2 + self.exposed
        self._check(bottom)
        for blob, first in ((bottom[0], 2), *([(bottom[2], 1)] if self.static else [])):
            if 0 in blob.shape[first:]:
                raise self.error(f'bottom "{blob.name}" has no inputs', got=f"shape {blob.shape}")
        rows = self.gates * self.units
        self.add_blob((rows, math.prod(bottom[0].shape[2:])), p.weight_filler)
        self.add_blob((rows,), p.bias_filler)
        if self.static:
            self.add_blob((rows, math.prod(bottom[2].shape[1:])), p.weight_filler)
        self.recurrent = len(self.blobs)
        self.add_blob((rows, self.units), p.weight_filler)
        self.carried: list[Array] = []

    def reshape(self, bottom: Sequence[Blob], top: Sequence[Blob]) -> None:
        self._check(bottom)
        steps, streams = bottom[0].shape[:2]
        state = (1, streams, self.units)
        for blob, weights in ((bottom[0], 0), (bottom[2] if self.static else None, 2)):
            if blob is not None:
                inputs = math.prod(blob.shape[1 if weights else 2 :])
                if inputs != self.blobs[weights].shape[1]:
                    raise self.error(
                        f'"{blob.name}" of shape {blob.shape} does not fit the weights',
                        got=f"{inputs} inputs",
                        expected=self.blobs[weights].shape[1],
                    )
        for blob in bottom[self.exposed_from :]:
            if blob.shape != state:
                raise self.error(
                    f'state "{blob.name}" has the wrong shape', got=blob.shape, expected=state
                )
        if not self.carried or self.carried[0].shape != state[1:]:
            self.carried = [np.zeros(state[1:], bottom[0].dtype) for _ in range(self.num_states)]
        top[0].reshape(steps, streams, self.units)
        for blob in top[1:]:
            blob.reshape(*state)

    def allow_force_backward(self, bottom_index: int) -> bool:
        return bottom_index != 1 and bottom_index < self.exposed_from

    def get_state(self) -> State:
        return {f"state_{index}": value for index, value in enumerate(self.carried)}

    def set_state(self, state: State) -> None:
        self.carried = [np.array(state[f"state_{index}"]) for index in range(len(state))]

    def start(self, bottom: Sequence[Blob]) -> list[Array]:
        """The states before the first step, each (N, H)."""
        if not self.exposed:
            return [value.copy() for value in self.carried]
        return [blob.data[0] for blob in bottom[self.exposed_from :]]

    def finish(self, states: Sequence[Array], top: Sequence[Blob]) -> None:
        """Keeps the states after the last step, or puts them out."""
        self.carried = [state.copy() for state in states]
        for blob, state in zip(top[1:], states, strict=False):
            blob.data[0] = state

    def inputs(self, bottom: Sequence[Blob]) -> Array:
        """W x + b + W_static x_static for all steps at once: (T, N, rows)."""
        weights, bias, steps = self.blobs[0].data, self.blobs[1].data, bottom[0].shape[:2]
        total = np.empty((*steps, len(weights)), weights.dtype)
        rows = total.reshape(-1, len(weights))
        multiply(bottom[0].data.reshape(-1, weights.shape[1]), weights.T, rows)
        total += bias
        if self.static:
            static = self.blobs[2].data
            total += bottom[2].data.reshape(-1, static.shape[1]) @ static.T
        return total

    def inputs_back(
        self, bottom: Sequence[Blob], dz: Array, propagate_down: Sequence[bool]
    ) -> None:
        """The gradients of :meth:`inputs`, given ``dz`` (T, N, rows)."""
        weights, rows = self.blobs[0], dz.reshape(-1, dz.shape[2])
        if self.param_propagate_down[0]:
            add_product(rows.T, bottom[0].data.reshape(-1, weights.shape[1]), weights.diff)
        if self.param_propagate_down[1]:
            self.blobs[1].diff += rows.sum(axis=0)
        if propagate_down[0]:
            multiply(rows, weights.data, bottom[0].diff.reshape(-1, weights.shape[1]))
        if self.static:
            static, total = self.blobs[2], dz.sum(axis=0)
            if self.param_propagate_down[2]:
                static.diff += total.T @ bottom[2].data.reshape(-1, static.shape[1])
            if propagate_down[2]:
                np.matmul(total, static.data, out=bottom[2].diff.reshape(-1, static.shape[1]))
        for blob, wanted in zip(
            bottom[self.exposed_from :], propagate_down[self.exposed_from :], strict=True
        ):
            if wanted:
                blob.diff.fill(0)

    def size(self, z: Array) -> int:
        """What the steps over all of ``z`` (T, N, rows) cost, for the team."""
        return 2 * z.size * self.units // OPERATIONS

    def _check_counts(self, bottoms: int, tops: int) -> None:
        """Compares the numbers of blobs with what expose_hidden makes of them."""
        least = 2 + self.exposed
        if not least <= bottoms <= least + 1 or tops != 1 + self.exposed:
            exposed = " with expose_hidden" if self.exposed else ""
            raise self.error(
                f"has the wrong number of bottoms or tops{exposed}",
                got=f"{bottoms} bottoms, {tops} tops",
                expected=f"{least} or {least + 1} bottoms, {1 + self.exposed} tops",
            )

    def _check(self, bottom: Sequence[Blob]) -> None:
        """Checks the shapes that need no parameters."""
        x, cont = bottom[0].shape, bottom[1].shape
        if len(x) < 3:
            raise self.error(
                f'"{bottom[0].name}" must have shape (steps, streams, inputs...)', got=x
            )
        if cont != x[:2]:
            raise self.error(
                f'"{bottom[1].name}" must have one number for each step and stream',
                got=cont,
                expected=x[:2],
            )
        if self.static and bottom[2].shape[:1] != x[1:2]:
            raise self.error(
                f'static input "{bottom[2].name}" must have one row for each stream',
                got=bottom[2].shape,
                expected=f"({x[1]}, ...)",
            )
