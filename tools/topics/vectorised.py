"""Vectorised operations: Jacobians that are never formed, and gradients shaped as variables."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import Net
from layers.blob import Array
from tools.plotting import figures
from tools.topics.desk import Desk

X_OF_RELU = np.array([[1.0, -2.0, 3.0, -1.0, 0.5, -0.5, 2.0, -3.0]])
X = np.array([[1.0, 0, 2], [-1, 1, 0], [0.5, -2, 1], [2, 1, -1]])
UPSTREAM = np.array([[1.0, -1], [0.5, 2], [-1, 0], [2, 1]])


def run(desk: Desk) -> None:
    """Shows the Jacobian of ReLU, and the two gradients of a matrix product."""
    relu, product = desk.net("relu"), desk.net("product")
    jacobian = relu_jacobian(relu)
    desk.say(f"ReLU of {X_OF_RELU[0]}: the Jacobian, a row for each output\n\n")
    desk.say("\n".join(" ".join(f"{value:2g}" for value in row) for row in jacobian))
    desk.say(
        "\nIt is diagonal, 1 where x > 0: backward multiplies by the mask, and never forms it."
    )
    dx, dw = product_gradients(product)
    w = product.params["Y"][0].data
    desk.say("\nY = X W, and dY comes from above:")
    desk.say(f"  dX = dY W^T   {dy_shape()} x {w.T.shape} = {dx.shape}, as X is")
    desk.say(f"  dW = X^T dY   {X.T.shape} x {dy_shape()} = {dw.shape}, as W is")
    desk.figure("vectorised.png", lambda: _figure(jacobian, w, dx, dw))


def dy_shape() -> tuple[int, ...]:
    """The shape of the upstream gradient."""
    return UPSTREAM.shape


def relu_jacobian(net: Net) -> Array:
    """The Jacobian row by row: each is what backward makes of a 1 at one output."""
    net.forward(x=X_OF_RELU)
    rows = []
    for one in np.eye(X_OF_RELU.size):
        rows.append(net.backward(y=one[None])["x"][0].copy())
    return np.array(rows)


def product_gradients(net: Net) -> tuple[Array, Array]:
    """The gradients by X and by W, for the upstream gradient above."""
    net.forward(X=X)
    net.clear_param_diffs()
    dx = net.backward(Y=UPSTREAM)["X"].copy()
    return dx, net.params["Y"][0].diff.copy()


def _figure(jacobian: Array, w: Array, dx: Array, dw: Array) -> Any:
    figure = figures.new_figure(10.5, 5.2)
    grid = figure.add_gridspec(2, 4, width_ratios=[1.9, 1, 1, 1])
    y, dy = X @ w, UPSTREAM
    axes = figure.add_subplot(grid[:, 0])
    _matrix(axes, jacobian, "Jacobian of ReLU, 8 x 8", 1)
    axes.set(xlabel="x, the input", ylabel="y = max(0, x), the output")
    axes.set_xticks(range(X_OF_RELU.size), [f"{x:g}" for x in X_OF_RELU[0]])
    axes.set_yticks(range(X_OF_RELU.size), [f"{max(0, x):g}" for x in X_OF_RELU[0]])
    axes.tick_params(length=0)
    values = ((X, "X, 4 x 3"), (w, "W, 3 x 2"), (y, "Y = X W, 4 x 2"))
    gradients = ((dx, r"dX = dY W$^T$, 4 x 3"), (dw, r"dW = X$^T$ dY, 3 x 2"), (dy, "dY, 4 x 2"))
    for row, matrices in enumerate((values, gradients)):
        for column, (matrix, title) in enumerate(matrices):
            _matrix(figure.add_subplot(grid[row, column + 1]), matrix, title)
    return figure


def _matrix(axes: Any, matrix: Array, title: str, largest: float | None = None) -> None:
    """The numbers of a matrix on their colours."""
    largest = largest or float(np.abs(matrix).max())
    # Half the range of colours is left out: on the darkest ones no number could be read.
    axes.imshow(matrix, cmap="RdBu_r", vmin=-2 * largest, vmax=2 * largest)
    for (row, column), value in np.ndenumerate(matrix):
        axes.text(column, row, f"{value:g}", ha="center", va="center", fontsize=10)
    axes.set_title(title, fontsize=11)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
