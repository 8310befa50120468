"""Winograd's transforms for 4x4 outputs of a 3x3 convolution, F(4x4, 3x3).

A tile of 4x4 results y needs 6x6 inputs d. With g the 3x3 weights,

    y = A^T [(G g G^T) * (B^T d B)] A,    dg = G^T [(B^T d B) * (A dy A^T)] G,

* elementwise: 36 products instead of 144. The points are 0, 1, -1, 2, -2 and infinity:

    B^T = 4  0 -5  0  1  0    G =   1/4     0     0    A^T = 1  1  1  1  1  0
          0 -4 -4  1  1  0         -1/6  -1/6  -1/6          0  1 -1  2 -2  0
          0  4 -4 -1  1  0         -1/6   1/6  -1/6          0  1  1  4  4  0
          0 -2 -1  2  1  0         1/24  1/12   1/6          0  1 -1  8 -8  1
          0  2 -1 -2  1  0         1/24 -1/12   1/6
          0  4  0 -5  0  1            0     0     1

Source: Lavin and Gray 2015, Fast Algorithms for Convolutional Neural Networks, section 4.

Each function multiplies one column by a matrix; the columns hold numbers, arrays, or registers
while code is generated. :func:`both_ways` does so to the columns of a tile, then to its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Column = Sequence[Any]
Transform = Callable[[Column], list[Any]]


def of_input(d: Column) -> list[Any]:
    """B^T d."""
    even, odd = d[4] - 4 * d[2], d[3] - 4 * d[1]
    far, near = d[4] - d[2], 2 * (d[3] - d[1])
    return [
        4 * d[0] - 5 * d[2] + d[4],
        even + odd,
        even - odd,
        far + near,
        far - near,
        4 * d[1] - 5 * d[3] + d[5],
    ]


def of_weights(g: Column) -> list[Any]:
    """G g."""
    even, odd = -1 / 6 * (g[0] + g[2]), 1 / 6 * g[1]
    far, near = 1 / 24 * g[0] + 1 / 6 * g[2], 1 / 12 * g[1]
    return [1 / 4 * g[0], even - odd, even + odd, far + near, far - near, g[2]]


def to_output(m: Column) -> list[Any]:
    """A^T m."""
    even, odd = m[1] + m[2], m[1] - m[2]
    far, near = m[3] + m[4], m[3] - m[4]
    return [m[0] + even + far, odd + 2 * near, even + 4 * far, odd + 8 * near + m[5]]


def of_output_gradient(y: Column) -> list[Any]:
    """A y."""
    even, odd = y[0] + y[2], y[1] + y[3]
    far, near = y[0] + 4 * y[2], 2 * y[1] + 8 * y[3]
    return [y[0], even + odd, even - odd, far + near, far - near, y[3]]


def to_weight_gradient(u: Column) -> list[Any]:
    """G^T u."""
    even, odd = u[1] + u[2], u[2] - u[1]
    far, near = u[3] + u[4], u[3] - u[4]
    return [
        1 / 4 * u[0] - 1 / 6 * even + 1 / 24 * far,
        1 / 6 * odd + 1 / 12 * near,
        u[5] + 1 / 6 * (far - even),
    ]


def both_ways(transform: Transform, tile: Sequence[Any]) -> list[Any]:
    """T x T^T, of a square tile given row by row; returned row by row."""
    side = round(len(tile) ** 0.5)
    columns = [transform(tile[column::side]) for column in range(side)]
    return [value for row in zip(*columns, strict=True) for value in transform(row)]
