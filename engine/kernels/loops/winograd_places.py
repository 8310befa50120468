"""Where the tiles of a 3x3 convolution lie in images, channels last, for compiled loops."""

from __future__ import annotations

from numba import njit

from engine.kernels.loops.execute import execute
from engine.kernels.loops.lanes import BYTES, LANES
from engine.kernels.loops.winograd_registers import (
    clear_lanes,
    copy_lanes,
    gradient_tile,
    gradient_tile_bf16,
    input_tile,
    input_tile_bf16,
    output_tile,
    output_tile_bf16,
    weight_tile,
)
from engine.kernels.loops.winograd_shapes import BF16_SIZE


@njit(nogil=True)
def run(product, arguments):  # type: ignore[no-untyped-def]
    """Runs it in this thread alone; returns oneDNN's status."""
    return execute(product.execute, product.primitive, product.stream, product.length, arguments)


@njit(nogil=True)
def share(index, parts, count):  # type: ignore[no-untyped-def]
    """The first of ``count`` things in the given one of so many parts, and where it ends."""
    return index * count // parts, (index + 1) * count // parts


@njit(nogil=True)
def clear(target, size):  # type: ignore[no-untyped-def]
    """Sets bytes to zero."""
    for offset in range(0, size, BYTES):
        clear_lanes(target + offset)


@njit(nogil=True)
def copy(source, target, size):  # type: ignore[no-untyped-def]
    """Copies bytes."""
    for offset in range(0, size, BYTES):
        copy_lanes(source + offset, target + offset)


@njit(nogil=True)
def list_inputs(listed, tile, images, shape, outside):  # type: ignore[no-untyped-def]
    """Lists the addresses of a tile's 6x6 pixels."""
    image, top, left = _corner(tile, shape)
    top, left = top - shape.pad_top, left - shape.pad_left
    pixel = shape.size * shape.channels
    for i in range(6):
        y = top + i
        row = images + ((image * shape.height + y) * shape.width + left) * pixel
        for j in range(6):
            inside = 0 <= y < shape.height and 0 <= left + j < shape.width
            listed[6 * i + j] = row + j * pixel if inside else outside


@njit(nogil=True)
def list_outputs(listed, tile, images, shape, outside):  # type: ignore[no-untyped-def]
    """Lists the addresses of a tile's 4x4 results."""
    image, top, left = _corner(tile, shape)
    pixel = shape.size * shape.maps
    for i in range(4):
        y = top + i
        row = images + ((image * shape.out_height + y) * shape.out_width + left) * pixel
        for j in range(4):
            inside = y < shape.out_height and left + j < shape.out_width
            listed[4 * i + j] = row + j * pixel if inside else outside


@njit(nogil=True)
def _corner(tile, shape):  # type: ignore[no-untyped-def]
    image, place = divmod(tile, shape.rows * shape.columns)
    row, column = divmod(place, shape.columns)
    return image, 4 * row, 4 * column


@njit(nogil=True)
def transform_inputs(first, end, listed, images, shape, outside, target, step):  # type: ignore[no-untyped-def]
    """B^T d B of tiles."""
    pixel = 4 * shape.channels
    for tile in range(first, end):
        list_inputs(listed, tile, images, shape, outside)
        for offset in range(0, pixel, BYTES):
            if shape.size == BF16_SIZE:
                input_tile_bf16(listed.ctypes.data, offset // 2, target + offset, step)
            else:
                input_tile(listed.ctypes.data, offset, target + offset, step)
        target += pixel


@njit(nogil=True)
def transform_gradients(first, end, listed, images, shape, outside, begin, width, target, step):  # type: ignore[no-untyped-def]
    """A dy A^T of tiles, of ``width`` bytes of maps from ``begin`` on."""
    for tile in range(first, end):
        list_outputs(listed, tile, images, shape, outside)
        for offset in range(0, width, BYTES):
            place = begin + offset
            if shape.size == BF16_SIZE:
                gradient_tile_bf16(listed.ctypes.data, place // 2, target + offset, step)
            else:
                gradient_tile(listed.ctypes.data, place, target + offset, step)
        target += width


@njit(nogil=True)
def transform_results(  # type: ignore[no-untyped-def]
    first, end, listed, source, step, bias, floor, begin, width, y, shape, unused
):
    """A^T m A of tiles, into ``width`` bytes of maps from ``begin`` on."""
    for tile in range(first, end):
        list_outputs(listed, tile, y, shape, unused)
        for offset in range(0, width, BYTES):
            place = begin + offset
            if shape.size == BF16_SIZE:
                output_tile_bf16(source + offset, step, bias + place, floor,
                                 listed.ctypes.data, place // 2)  # fmt: skip
            else:
                output_tile(source + offset, step, bias + place, floor,
                            listed.ctypes.data, place)  # fmt: skip
        source += width


@njit(nogil=True)
def transform_weights(weights, order, first, end, begin, width, target, step, block):  # type: ignore[no-untyped-def]
    """G g G^T of what reads the channels from ``first`` to ``end``, both multiples of 16, and makes
    ``width`` bytes of results from ``begin`` on.

    Where the weights of different results lie far apart, those of 16 and 16 channels are copied
    into a block first, for they are read one by one.
    """
    for channel in range(first, end, LANES):
        for offset in range(0, width, BYTES):
            source = weights + order.first + channel * order.of_input
            source += (begin + offset) // 4 * order.of_result
            place, lane, along = source, order.of_result, order.of_input
            if order.of_result > order.of_input:
                place, lane, along = block, 9 * BYTES, 9 * 4
                for row in range(LANES):
                    copy(source + row * order.of_result, block + row * lane, lane)
            for index in range(LANES):
                goal = target + (channel + index) * width + offset
                weight_tile(place + index * along, lane, order.of_element, goal, step)
