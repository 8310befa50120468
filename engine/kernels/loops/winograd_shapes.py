"""Convolutions by Winograd's transforms, described by numbers that compiled loops take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

TILE = 4
BF16_SIZE, F32_SIZE = 2, 4  # bytes


class Shape(NamedTuple):
    """A convolution of stride 1: images, padding, results, and the tiles that cover a result.

    ``size`` is that of an element of images and results, in bytes; all that is transformed, and
    weights, are float32.
    """

    images: int
    height: int
    width: int
    channels: int
    pad_top: int
    pad_left: int
    out_height: int
    out_width: int
    maps: int
    rows: int
    columns: int
    size: int

    @classmethod
    def of(
        cls,
        inputs: Sequence[int],
        outputs: Sequence[int],
        pad: Sequence[int],
        size: int = F32_SIZE,
    ) -> Shape:
        """From the shapes of bottom and top."""
        images, channels, height, width = inputs
        _, maps, out_height, out_width = outputs
        rows, columns = -(-out_height // TILE), -(-out_width // TILE)
        top, left = pad
        return cls(images, height, width, channels, top, left, out_height, out_width, maps,
                   rows, columns, size)  # fmt: skip

    @property
    def tiles(self) -> int:
        """Of all images."""
        return self.images * self.rows * self.columns

    @property
    def pixels(self) -> int:
        """Of the results of all images."""
        return self.images * self.out_height * self.out_width


class Room(NamedTuple):
    """Addresses in memory that only one convolution uses at a time.

    Transformed inputs, weights and results (or their gradients) are 36 planes each, the
    given step apart; each thread has its own, ``part`` after that of the thread before.
    """

    inputs: int
    inputs_step: int
    inputs_part: int
    weights: int
    weights_step: int
    weights_part: int
    results: int
    results_step: int
    results_part: int
    zeros: int  # what is read outside of an image
    zeros_part: int
    unused: int  # where results outside of an image go
    unused_part: int
    block: int  # 16 times 16 kernels
    block_part: int


class WeightOrder(NamedTuple):
    """Where weights lie: bytes to the first, and from one to the next of what they make, of
    what they read, and of the kernel's elements."""

    first: int
    of_result: int
    of_input: int
    of_element: int


class Product(NamedTuple):
    """A matrix product of oneDNN as numbers; see :class:`engine.kernels.loops.execute.Prepared`."""

    execute: int
    primitive: int
    stream: int
    length: int  # of the arguments
