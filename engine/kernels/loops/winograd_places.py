"""Where the tiles of a convolution lie in images, channels last, for compiled loops."""

from __future__ import annotations

from numba import njit

from engine.kernels.loops.execute import execute
from engine.kernels.loops.lanes import BYTES, LANES
from engine.kernels.loops.winograd_registers import (
    clear_lanes,
    copy_lanes,
    gradient_tile,
    input_tile,
    list_line,
    output_tile,
    weight_tile,
)
from engine.kernels.loops.winograd_transforms import SIDE


@njit(nogil=True)
def run(product, arguments):  # type: ignore[no-untyped-def]
    """Runs it in this thread alone; returns oneDNN's status."""
    return execute(product.execute, product.primitive, product.stream, product.length, arguments)


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
def _place(tile, shape):  # type: ignore[no-untyped-def]
    """Image, row and column of a tile."""
    image, place = divmod(tile, shape.rows * shape.columns)
    row, column = divmod(place, shape.columns)
    return image, row, column


@njit(nogil=True)
def _next(image, row, column, shape):  # type: ignore[no-untyped-def]
    """Those of the tile after it: divisions take as long as a sixth of a transform."""
    column += 1
    if column == shape.columns:
        row, column = row + 1, 0
        if row == shape.rows:
            image, row = image + 1, 0
    return image, row, column


@njit(nogil=True)
def _list_inputs(listed, image, row, column, images, shape, outside):  # type: ignore[no-untyped-def]
    """Lists the addresses of a tile's pixels."""
    top, left = shape.tile * row - shape.pad_top, shape.tile * column - shape.pad_left
    pixel = shape.size * shape.channels
    for i in range(SIDE):
        line = image * shape.height + top + i
        end = shape.width - left if 0 <= top + i < shape.height else 0
        list_line(listed.ctypes.data, i, images + (line * shape.width + left) * pixel, pixel,
                  -left, end, outside)  # fmt: skip


@njit(nogil=True)
def _list_outputs(listed, image, row, column, images, shape, outside):  # type: ignore[no-untyped-def]
    """Lists the addresses of a tile's results."""
    top, left = shape.tile * row, shape.tile * column
    pixel = shape.size * shape.maps
    for i in range(shape.tile):
        line = image * shape.out_height + top + i
        end = shape.out_width - left if top + i < shape.out_height else 0
        list_line(listed.ctypes.data, i, images + (line * shape.out_width + left) * pixel, pixel,
                  0, end, outside)  # fmt: skip


@njit(nogil=True)
def transform_inputs(first, end, listed, images, shape, outside, target, step):  # type: ignore[no-untyped-def]
    """B^T d B of tiles."""
    pixel = 4 * shape.channels
    image, row, column = _place(first, shape)
    for _ in range(first, end):
        _list_inputs(listed, image, row, column, images, shape, outside)
        for offset in range(0, pixel, BYTES):
            input_tile(shape, listed.ctypes.data, offset, target + offset, step)
        target += pixel
        image, row, column = _next(image, row, column, shape)


@njit(nogil=True)
def transform_gradients(first, end, listed, images, shape, outside, begin, width, target, step):  # type: ignore[no-untyped-def]
    """A dy A^T of tiles, of ``width`` bytes of maps from ``begin`` on."""
    image, row, column = _place(first, shape)
    for _ in range(first, end):
        _list_outputs(listed, image, row, column, images, shape, outside)
        for offset in range(0, width, BYTES):
            gradient_tile(shape, listed.ctypes.data, begin + offset, target + offset, step)
        target += width
        image, row, column = _next(image, row, column, shape)


@njit(nogil=True)
def transform_results(  # type: ignore[no-untyped-def]
    first, end, listed, source, step, bias, floor, begin, width, y, shape, unused
):
    """A^T m A of tiles, into ``width`` bytes of maps from ``begin`` on."""
    image, row, column = _place(first, shape)
    for _ in range(first, end):
        _list_outputs(listed, image, row, column, y, shape, unused)
        for offset in range(0, width, BYTES):
            place = begin + offset
            output_tile(shape, source + offset, step, bias + place, floor,
                        listed.ctypes.data, place)  # fmt: skip
        source += width
        image, row, column = _next(image, row, column, shape)


@njit(nogil=True)
def transform_weights(weights, order, shape, first, end, begin, width, target, step, block):  # type: ignore[no-untyped-def]
    """G g G^T of what reads the channels from ``first`` to ``end``, both multiples of 16, and makes
    ``width`` bytes of results from ``begin`` on.

    Where the weights of different results lie far apart, those of 16 and 16 channels are copied
    into a block first, for they are read one by one.
    """
    kernel = 4 * shape.kernel * shape.kernel
    for channel in range(first, end, LANES):
        for offset in range(0, width, BYTES):
            source = weights + order.first + channel * order.of_input
            source += (begin + offset) // 4 * order.of_result
            place, lane, along = source, order.of_result, order.of_input
            if order.of_result > order.of_input:
                place, lane, along = block, LANES * kernel, kernel
                for row in range(LANES):
                    copy(source + row * order.of_result, block + row * lane, lane)
            for index in range(LANES):
                goal = target + (channel + index) * width + offset
                weight_tile(shape, place + index * along, lane, order.of_element, goal, step)
