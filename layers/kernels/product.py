"""Matrix products, shared out among the team."""

from __future__ import annotations

import numpy as np

from layers.blob import Array
from layers.kernels.scratch import scratch
from layers.kernels.threads import OPERATIONS, pieces, share

# Elements of a block of a product that is added to a larger matrix: it stays in the cache.
_BLOCK = 1 << 17


def multiply(a: Array, b: Array, out: Array) -> None:
    """``out = a @ b`` of two matrices."""
    rows, columns = out.shape

    def some_rows(part: slice) -> None:
        np.matmul(a[part], b, out=out[part])

    def some_columns(part: slice) -> None:
        np.matmul(a, b[:, part], out=out[:, part])

    size = 2 * a.shape[1] * out.size // OPERATIONS
    if rows >= columns:
        share(some_rows, rows, size)
    else:
        share(some_columns, columns, size)


def multiply_maps(a: Array, b: Array, out: Array) -> None:
    """``out = a @ b`` of stacked matrices, by rows of ``a``: for when there are too few images."""

    def some(part: slice) -> None:
        np.matmul(a[..., part, :], b, out=out[..., part, :])

    share(some, out.shape[-2], 2 * a.shape[-1] * out.size // OPERATIONS)


def add_product(a: Array, b: Array, total: Array) -> None:
    """``total += a @ b`` of two matrices, without room for the whole product."""
    rows, columns = total.shape
    step = max(1, _BLOCK // max(1, columns))

    def some(part: slice) -> None:
        for piece in pieces(part, step):
            block = scratch("product", (piece.stop - piece.start, columns), total.dtype)
            total[piece] += np.matmul(a[piece], b, out=block)

    share(some, rows, total.size + 2 * a.shape[1] * total.size // OPERATIONS)
