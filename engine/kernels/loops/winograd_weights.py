"""Gradients of a convolution's weights and bias by Winograd's transforms, as compiled loops.

Their arguments are those of :mod:`engine.kernels.loops.winograd_forward`, but for:
    dy: the gradient of the results.
    dw, db: where the gradients go; the latter 0 where none is wanted.
    adds_w, adds_b: whether they are added to what is there.
    product: gradients of results times inputs, summed over tiles, all 36 planes in one.

The sum of a tile's gradients, for the bias, is its transform at the point 1, in plane 7.
"""

from __future__ import annotations

from numba import njit, prange

from engine.kernels.loops.compiled import compiled
from engine.kernels.loops.lanes import BYTES
from engine.kernels.loops.shares import share
from engine.kernels.loops.winograd_places import (
    clear,
    run,
    transform_gradients,
    transform_inputs,
)
from engine.kernels.loops.winograd_registers import add_lanes, weight_gradient_tile
from engine.kernels.loops.winograd_transforms import PLANES

_POINT_ONE = 7


@njit(nogil=True)
def _add_tiles(target, source, width, tiles):  # type: ignore[no-untyped-def]
    """Adds transformed tiles, ``width`` bytes each, to one."""
    for tile in range(tiles):
        for offset in range(0, width, BYTES):
            add_lanes(source + tile * width + offset, target + offset)


@njit(nogil=True)
def _put(source, target, width, adds):  # type: ignore[no-untyped-def]
    """Has a line of floats replace what is there, or be added to it."""
    if not adds:
        clear(target, width)
    for offset in range(0, width, BYTES):
        add_lanes(source + offset, target + offset)


@njit(nogil=True)
def _finish(source, step, dw, row, shape, adds):  # type: ignore[no-untyped-def]
    """The weights' gradients of one map, from that row of each plane."""
    size, pixel = shape.kernel * shape.kernel, 4 * shape.channels
    source, dw = source + row * pixel, dw + row * size * pixel
    for offset in range(0, pixel, BYTES):
        weight_gradient_tile(shape, source + offset, step, dw + size * offset, adds)


@compiled
def weight_gradient_tiles(  # type: ignore[no-untyped-def]
    threads, chunks, shape, x, dy, dw, adds_w, db, adds_b, room,
    first_product, first_arguments, product, arguments, listed,
):  # fmt: skip
    """Threads take chunks of tiles, each summing for itself; then the sums are added up.

    All chunks count as equally many tiles; what some lack is zeros.
    """
    tiles, failed = shape.images * shape.rows * shape.columns, 0
    pixel, width = 4 * shape.channels, 4 * shape.maps
    for thread in prange(threads):
        inputs = room.inputs + thread * room.inputs_part
        results = room.results + thread * room.results_part
        zeros = room.zeros + thread * room.zeros_part
        bias = room.unused + thread * room.unused_part
        clear(zeros, 4 * max(shape.channels, shape.maps))
        clear(bias, width)
        begin_chunk, end_chunk = share(thread, threads, chunks)
        for chunk in range(begin_chunk, end_chunk):
            first, end = share(chunk, chunks, tiles)
            transform_inputs(first, end, listed[thread], x, shape, zeros, inputs, room.inputs_step)
            transform_gradients(first, end, listed[thread], dy, shape, zeros, 0, width,
                                results, room.results_step)  # fmt: skip
            count = end - first
            for plane in range(PLANES if count < room.tiles else 0):
                lacks = room.tiles - count
                clear(inputs + plane * room.inputs_step + count * pixel, lacks * pixel)
                clear(results + plane * room.results_step + count * width, lacks * width)
            if db:
                _add_tiles(bias, results + _POINT_ONE * room.results_step, width, count)
            if chunk == begin_chunk:
                failed += run(first_product, first_arguments[thread])
            else:
                failed += run(product, arguments[thread])
    for thread in prange(threads):
        first, end = share(thread, threads, shape.maps)
        for row in range(first, end):
            sums = room.weights + row * pixel
            for plane in range(PLANES):
                for other in range(1, threads):
                    for offset in range(0, pixel, BYTES):
                        place = sums + plane * room.weights_step + offset
                        add_lanes(place + other * room.weights_part, place)
            _finish(room.weights, room.weights_step, dw, row, shape, adds_w)
    if db:
        for other in range(1, threads):
            _add_tiles(room.unused, room.unused + other * room.unused_part, width, 1)
        _put(room.unused, db, width, adds_b)
    return failed


@compiled
def weight_gradient_stripes(  # type: ignore[no-untyped-def]
    threads, stripes, shape, x, dy, dw, adds_w, db, adds_b, room, product, arguments, listed
):
    """Threads share out the transform of the inputs, then stripes of the maps of results."""
    tiles, failed = shape.images * shape.rows * shape.columns, 0
    pixel, width = 4 * shape.channels, 4 * shape.maps // stripes
    for thread in prange(threads):
        zeros = room.zeros + thread * room.zeros_part
        clear(zeros, 4 * max(shape.channels, shape.maps))
        first, end = share(thread, threads, tiles)
        transform_inputs(first, end, listed[thread], x, shape, zeros,
                         room.inputs + first * pixel, room.inputs_step)  # fmt: skip
    for thread in prange(threads):
        sums = room.weights + thread * room.weights_part
        results = room.results + thread * room.results_part
        zeros = room.zeros + thread * room.zeros_part
        bias = room.unused + thread * room.unused_part
        begin_stripe, end_stripe = share(thread, threads, stripes)
        for stripe in range(begin_stripe, end_stripe):
            begin = stripe * width
            transform_gradients(0, tiles, listed[thread], dy, shape, zeros, begin, width,
                                results, room.results_step)  # fmt: skip
            failed += run(product, arguments[thread])
            place = dw + begin * shape.kernel * shape.kernel * shape.channels
            for row in range(width // 4):
                _finish(sums, room.weights_step, place, row, shape, adds_w)
            if db:
                clear(bias, width)
                _add_tiles(bias, results + _POINT_ONE * room.results_step, width, tiles)
                _put(bias, db + begin, width, adds_b)
    return failed
