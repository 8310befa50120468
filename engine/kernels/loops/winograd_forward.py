"""Convolutions by Winograd's transforms, as compiled loops.

The two do the same: where tiles are many, threads share them out; where weights are many, the
maps of results, so that each thread transforms only the weights it needs, when it needs them.

Their arguments:
    threads: how many; each has its part of the room.
    shape: of the convolution.
    x, weights, bias, y: addresses; images lie channels last.
    order: of the weights.
    floor: the least result: 0 for ReLU, else minus infinity.
    room: for what is transformed.
    product: inputs times weights, all 36 planes in one.
    arguments: of the product, for each thread.
    listed: 36 integers for each thread.

They return 0, or the sum of oneDNN's statuses.
"""

from __future__ import annotations

from numba import prange

from engine.kernels.loops.compiled import compiled
from engine.kernels.loops.lanes import LANES
from engine.kernels.loops.shares import share
from engine.kernels.loops.winograd_places import (
    clear,
    run,
    transform_inputs,
    transform_results,
    transform_weights,
)


@compiled
def convolve_tiles(  # type: ignore[no-untyped-def]
    threads, chunks, shape, x, weights, order, bias, floor, y, room, product, arguments, listed
):
    """Threads take chunks of tiles through transform, product and transform."""
    width = 4 * shape.maps
    for thread in prange(threads):
        first, end = share(thread, threads, shape.channels // LANES)
        block = room.block + thread * room.block_part
        transform_weights(weights, order, shape, first * LANES, end * LANES, 0, width,
                          room.weights, room.weights_step, block)  # fmt: skip
    tiles, failed = shape.images * shape.rows * shape.columns, 0
    for thread in prange(threads):
        inputs = room.inputs + thread * room.inputs_part
        results = room.results + thread * room.results_part
        zeros = room.zeros + thread * room.zeros_part
        unused = room.unused + thread * room.unused_part
        clear(zeros, 4 * shape.channels)
        begin_chunk, end_chunk = share(thread, threads, chunks)
        for chunk in range(begin_chunk, end_chunk):
            first, end = share(chunk, chunks, tiles)
            transform_inputs(first, end, listed[thread], x, shape, zeros, inputs, room.inputs_step)
            failed += run(product, arguments[thread])
            transform_results(first, end, listed[thread], results, room.results_step,
                              bias, floor, 0, width, y, shape, unused)  # fmt: skip
    return failed


@compiled
def convolve_stripes(  # type: ignore[no-untyped-def]
    threads, stripes, shape, x, weights, order, bias, floor, y, room, product, arguments, listed
):
    """Threads share out the transform of the inputs, then stripes of the maps of results."""
    tiles, width, failed = shape.images * shape.rows * shape.columns, 4 * shape.maps // stripes, 0
    for thread in prange(threads):
        zeros = room.zeros + thread * room.zeros_part
        clear(zeros, 4 * shape.channels)
        first, end = share(thread, threads, tiles)
        target = room.inputs + first * 4 * shape.channels
        transform_inputs(first, end, listed[thread], x, shape, zeros, target, room.inputs_step)
    for thread in prange(threads):
        transformed = room.weights + thread * room.weights_part
        results = room.results + thread * room.results_part
        unused = room.unused + thread * room.unused_part
        block = room.block + thread * room.block_part
        begin_stripe, end_stripe = share(thread, threads, stripes)
        for stripe in range(begin_stripe, end_stripe):
            begin = stripe * width
            transform_weights(weights, order, shape, 0, shape.channels, begin, width,
                              transformed, room.weights_step, block)  # fmt: skip
            failed += run(product, arguments[thread])
            transform_results(0, tiles, listed[thread], results, room.results_step,
                              bias, floor, begin, width, y, shape, unused)  # fmt: skip
    return failed
