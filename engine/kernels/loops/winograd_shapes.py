"""Convolutions by Winograd's transforms, described by numbers that compiled loops take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from engine.kernels.loops.winograd_transforms import F25, F43, Form
from engine.kernels.onednn.constants import BF16, F32


class Places(NamedTuple):
    """A convolution of stride 1: images, padding, results, and the tiles that cover a result."""

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
    tile: int  # the side of one's results
    kernel: int  # the side of it
    size: int  # bytes of an element of images and results


class Shape(Places):
    """The same, with a type for each kind of transform, by which loops take their instructions.

    What is transformed, and weights, are float32, whatever the images are.

    Attributes:
        form: the transforms.
        dtype: of images and results.
    """

    form: ClassVar[Form]
    dtype: ClassVar[int]

    @classmethod
    def of(
        cls,
        inputs: Sequence[int],
        outputs: Sequence[int],
        pad: Sequence[int],
        kernel: int = 3,
        dtype: int = F32,
    ) -> Shape:
        """From the shapes of bottom and top."""
        kind = _KINDS[kernel, dtype]
        images, channels, height, width = inputs
        _, maps, out_height, out_width = outputs
        tile, size = kind.form.tile, 4 if dtype == F32 else 2
        rows, columns = -(-out_height // tile), -(-out_width // tile)
        top, left = pad
        return kind(images, height, width, channels, top, left, out_height, out_width, maps,
                    rows, columns, tile, kernel, size)  # fmt: skip

    @property
    def work(self) -> int:
        """Products of the direct way, for each pair of maps."""
        return self.images * self.out_height * self.out_width * self.kernel**2

    @property
    def tiles(self) -> int:
        """Of all images."""
        return self.images * self.rows * self.columns


class _Kernel3(Shape):
    form, dtype = F43, F32


class _Kernel3BF16(Shape):
    form, dtype = F43, BF16


class _Kernel5(Shape):
    form, dtype = F25, F32


class _Kernel5BF16(Shape):
    form, dtype = F25, BF16


_KINDS: dict[tuple[int, int], type[Shape]] = {
    (kind.form.kernel, kind.dtype): kind
    for kind in (_Kernel3, _Kernel3BF16, _Kernel5, _Kernel5BF16)
}


class Room(NamedTuple):
    """Addresses in memory that only one convolution uses at a time.

    Transformed inputs, weights and results (or their gradients) are 36 planes each, the
    given step apart; each thread has its own, ``part`` after that of the thread before.
    """

    tiles: int  # that it has room for
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
    block: int  # of 16 times 16 kernels
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
