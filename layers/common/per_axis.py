"""What Scale and Bias have in common: a small factor or term spread over a larger blob."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from layers.base import Layer
from layers.blob import Array, Blob
from layers.kernels.channels import channelwise


class PerAxisLayer(Layer):
    """Combines bottom 0 with an operand that covers some of its axes.

    The operand is bottom 1 where there is one, else a parameter.
    """

    runs_in_place = True

    min_bottom = 1
    max_bottom = 2
    exact_num_top = 1

    def operand_shape(self, bottom: Sequence[Blob], p: Any) -> tuple[int, ...]:
        """The shape that a parameter must have to cover ``p.num_axes`` axes from ``p.axis``."""
        if len(bottom) > 1:
            return bottom[1].shape
        if p.num_axes == 0:
            return ()
        first = self.axis(bottom[0], p.axis)
        end = bottom[0].num_axes if p.num_axes == -1 else first + p.num_axes
        if p.num_axes < -1 or end > bottom[0].num_axes:
            raise self.error(
                f'bottom "{bottom[0].name}" of shape {bottom[0].shape} has too few axes',
                got=f"num_axes {p.num_axes} from axis {first}",
                expected=f"num_axes from 0 to {bottom[0].num_axes - first}, or -1 for all",
            )
        return bottom[0].shape[first:end]

    def align(self, bottom: Blob, shape: tuple[int, ...], axis: int) -> None:
        """Works out how an operand of this shape spreads over the bottom.

        Raises:
            LayerError: it does not fit the axes from ``axis`` on.
        """
        first = self.axis(bottom, axis) if shape else 0
        covered = bottom.shape[first : first + len(shape)]
        if covered != shape:
            raise self.error(
                f'an operand of shape {shape} does not fit "{bottom.name}" from axis {first} on',
                got=f"{covered} in {bottom.shape}",
                expected=shape,
            )
        self._broadcast = shape + (1,) * (bottom.num_axes - first - len(shape))
        outer = int(np.prod(bottom.shape[:first]))
        inner = int(np.prod(bottom.shape[first + len(shape) :]))
        self._grouped = (outer, int(np.prod(shape)), inner)

    def spread(self, operand: Array) -> Array:
        """The operand, shaped so that NumPy spreads it over bottom 0."""
        return operand.reshape(self._broadcast)

    def combine(self, work: Callable[..., None], operands: Sequence[Array], *values: Array) -> None:
        """Runs ``work`` on parts of the values (of bottom 0's shape) and of the operands."""
        grouped = [array.reshape(self._grouped) for array in values]
        columns = [operand.reshape(-1, 1) for operand in operands]

        def some(part: slice) -> None:
            work(*(column[part] for column in columns), *(array[:, part] for array in grouped))

        channelwise(some, grouped[0])

    def gather(self, values: Array, shape: tuple[int, ...]) -> Array:
        """The sum of values (of bottom 0's shape) over the axes that the operand lacks."""
        grouped = values.reshape(self._grouped)
        total: Array = np.empty(self._grouped[1], values.dtype)

        def some(part: slice) -> None:
            total[part] = grouped[:, part].sum(axis=(0, 2))

        channelwise(some, grouped)
        return total.reshape(shape)

    def gather_product(self, a: Array, b: Array, shape: tuple[int, ...]) -> Array:
        """The same sum of ``a * b``, without computing the product as a whole."""
        a, b = a.reshape(self._grouped), b.reshape(self._grouped)
        total: Array = np.empty(self._grouped[1], a.dtype)

        def some(part: slice) -> None:
            total[part] = np.einsum("oki,oki->k", a[:, part], b[:, part])

        channelwise(some, a)
        return total.reshape(shape)
