"""The choice among the ways to correlate images with kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from layers.blob import Array
from layers.kernels.correlation import Correlation
from layers.kernels.depthwise import Depthwise
from layers.kernels.geometry import Geometry
from layers.kernels.pointwise import Pointwise


class Convolver(Protocol):
    """Correlates images (N, C, spatial...) with weights (O, C / group, kernel...)."""

    def forward(self, x: Array, weights: Array, bias: Array | None, y: Array) -> None:
        """Overwrites ``y`` (N, O, out...)."""

    def weight_gradient(self, x: Array, dy: Array, dw: Array) -> None:
        """Adds to ``dw``."""

    def data_gradient(self, dy: Array, weights: Array, dx: Array) -> None:
        """Overwrites ``dx``."""


def choose(
    images: Sequence[int], weights: Sequence[int], group: int, geometry: Geometry
) -> Convolver:
    """The fastest way for these shapes."""
    if group > 1 and weights[1] == 1:
        return Depthwise(images, weights, geometry)
    if set(geometry.kernel) <= {1} and not any(geometry.pad):
        return Pointwise(images, weights, group, geometry)
    return Correlation(images, weights, group, geometry)
