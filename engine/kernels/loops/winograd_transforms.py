"""Winograd's transforms of tiles: F(4x4, 3x3) and F(2x2, 5x5), which have the same six points.

A tile of m x m results y of an r x r convolution needs (m + r - 1)^2 = 6x6 inputs d. With g the
weights,

    y = A^T [(G g G^T) * (B^T d B)] A,    dg = G^T [(B^T d B) * (A dy A^T)] G,

* elementwise: 36 products instead of m^2 r^2, 144 or 100. The points p are 0, 1, -1, 2, -2 and
infinity. A row of G is s [1, p, p^2, ...], a column of A^T [1, p, p^2, ...]:

    B^T = 4  0 -5  0  1  0    p = 0, s =   1/4
          0 -4 -4  1  1  0        1      -1/6
          0  4 -4 -1  1  0       -1      -1/6
          0 -2 -1  2  1  0        2      1/24
          0  2 -1 -2  1  0       -2      1/24
          0  4  0 -5  0  1    infinity: the last 1, the others 0

Source: Lavin and Gray 2015, Fast Algorithms for Convolutional Neural Networks, section 4.

Each function multiplies one column by a matrix; the columns hold numbers, arrays, or registers
while code is generated. :func:`both_ways` does so to the columns of a tile, then to its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Column = Sequence[Any]
Transform = Callable[[Column], list[Any]]

SIDE = 6  # of a tile of inputs
PLANES = SIDE * SIDE


@dataclass(frozen=True)
class Form:
    """F(tile x tile, kernel x kernel): what depends on the size of the kernel.

    Args:
        tile, kernel: the side of a tile's results, and of the kernel.
        of_weights: G g.
        to_output: A^T m.
        of_output_gradient: A y.
        to_weight_gradient: G^T u.
    """

    tile: int
    kernel: int
    of_weights: Transform
    to_output: Transform
    of_output_gradient: Transform
    to_weight_gradient: Transform


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


def _of_weights_3(g: Column) -> list[Any]:
    even, odd = -1 / 6 * (g[0] + g[2]), 1 / 6 * g[1]
    far, near = 1 / 24 * g[0] + 1 / 6 * g[2], 1 / 12 * g[1]
    return [1 / 4 * g[0], even - odd, even + odd, far + near, far - near, g[2]]


def _to_output_4(m: Column) -> list[Any]:
    even, odd = m[1] + m[2], m[1] - m[2]
    far, near = m[3] + m[4], m[3] - m[4]
    return [m[0] + even + far, odd + 2 * near, even + 4 * far, odd + 8 * near + m[5]]


def _of_output_gradient_4(y: Column) -> list[Any]:
    even, odd = y[0] + y[2], y[1] + y[3]
    far, near = y[0] + 4 * y[2], 2 * y[1] + 8 * y[3]
    return [y[0], even + odd, even - odd, far + near, far - near, y[3]]


def _to_weight_gradient_3(u: Column) -> list[Any]:
    even, odd = u[1] + u[2], u[2] - u[1]
    far, near = u[3] + u[4], u[3] - u[4]
    return [
        1 / 4 * u[0] - 1 / 6 * even + 1 / 24 * far,
        1 / 6 * odd + 1 / 12 * near,
        u[5] + 1 / 6 * (far - even),
    ]


F43 = Form(4, 3, _of_weights_3, _to_output_4, _of_output_gradient_4, _to_weight_gradient_3)


def _of_weights_5(g: Column) -> list[Any]:
    even, odd = -1 / 6 * (g[0] + g[2] + g[4]), 1 / 6 * (g[1] + g[3])
    far = 1 / 24 * g[0] + 1 / 6 * g[2] + 2 / 3 * g[4]
    near = 1 / 12 * g[1] + 1 / 3 * g[3]
    return [1 / 4 * g[0], even - odd, even + odd, far + near, far - near, g[4]]


def _to_output_2(m: Column) -> list[Any]:
    near, far = m[1] - m[2], m[3] - m[4]
    return [m[0] + (m[1] + m[2]) + (m[3] + m[4]), near + 2 * far + m[5]]


def _of_output_gradient_2(y: Column) -> list[Any]:
    twice = 2 * y[1]
    return [y[0], y[0] + y[1], y[0] - y[1], y[0] + twice, y[0] - twice, y[1]]


def _to_weight_gradient_5(u: Column) -> list[Any]:
    even, odd = u[1] + u[2], u[2] - u[1]
    far, near = u[3] + u[4], u[3] - u[4]
    return [
        1 / 4 * u[0] - 1 / 6 * even + 1 / 24 * far,
        1 / 6 * odd + 1 / 12 * near,
        1 / 6 * (far - even),
        1 / 6 * odd + 1 / 3 * near,
        u[5] - 1 / 6 * even + 2 / 3 * far,
    ]


F25 = Form(2, 5, _of_weights_5, _to_output_2, _of_output_gradient_2, _to_weight_gradient_5)


def both_ways(transform: Transform, tile: Sequence[Any]) -> list[Any]:
    """T x T^T, of a square tile given row by row; returned row by row."""
    side = round(len(tile) ** 0.5)
    columns = [transform(tile[column::side]) for column in range(side)]
    return [value for row in zip(*columns, strict=True) for value in transform(row)]
