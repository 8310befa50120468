"""3x3 and 5x5 convolutions of stride 1 by Winograd's transforms, prepared as calls.

See :mod:`engine.kernels.loops.winograd_transforms` for the formula. Each call is made for a number
of threads, and wants a room: memory of ``size`` bytes that is its own while it runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.kernels.loops import use_loop_threads
from engine.kernels.loops.winograd_forward import convolve_stripes, convolve_tiles
from engine.kernels.loops.winograd_room import Planes, Products, RoomPlan
from engine.kernels.loops.winograd_shapes import Room, Shape, WeightOrder
from engine.kernels.loops.winograd_weights import weight_gradient_stripes, weight_gradient_tiles
from engine.kernels.onednn.memory import Memory, aligned
from engine.kernels.onednn.primitive import Call
from layers.blob import Array

_CHUNK = 79  # tiles: the products are slower with fewer, and out of the cache with more
_APART = 64  # bytes between planes of so many maps that all would fall on the same cache lines
_STRIPE = 32  # maps
_LISTED = 64  # places: no line of the cache is two threads'


class _Winograd:
    """What forward and backward have in common.

    Args:
        shape: of the convolution.
        threads: that it runs in.
        stripes: whether threads share out maps instead of tiles.
    """

    def __init__(self, shape: Shape, threads: int, stripes: bool):
        self.shape, self.threads = shape, threads
        self.implementation = f"winograd:{'maps' if stripes else 'tiles'}"
        tiles = shape.tiles
        self.width = shape.maps
        if stripes:
            self.width = _STRIPE if shape.maps % _STRIPE == 0 else _STRIPE // 2
            self.pieces, self.length = shape.maps // self.width, tiles
        else:
            self.pieces = threads * -(-tiles // (threads * _CHUNK))
            # The best products want planes without gaps; odd ones differ in their cache lines.
            self.length = -(-tiles // self.pieces) | 1
        self.apart = _APART if stripes else 0
        self.inputs = Planes(self.length, shape.channels, 1 if stripes else threads, self.apart)
        self.results = Planes(self.length, self.width, threads, self.apart)
        self.listed: Array = np.zeros((threads, _LISTED), np.int64)
        self._base = 0
        self._room: Room

    def _plan(self, weights: Planes) -> None:
        self._room_plan = RoomPlan(self.threads, self.shape, self.inputs, weights, self.results)
        self.size = self._room_plan.size

    def _enter(self, memory: Memory) -> Room:
        """The room in that memory; whoever has moved it since the last time is followed."""
        base = memory.store.ctypes.data
        if base != self._base:
            self._base, self._room = base, self._room_plan.at(base)
            self._place(self._room)
        use_loop_threads(self.threads)
        return self._room

    def _place(self, room: Room) -> None:
        raise NotImplementedError


class Convolution(_Winograd):
    """y = x convolved with w, plus a bias; and by other orders of w, the gradient by x.

    Args:
        shape, threads, stripes: as above.
        order: of the weights.
    """

    def __init__(self, shape: Shape, threads: int, stripes: bool, order: WeightOrder):
        super().__init__(shape, threads, stripes)
        self.order = order
        self._run: Any = convolve_stripes if stripes else convolve_tiles
        weights = Planes(shape.channels, self.width, threads if stripes else 1, self.apart)
        self._plan(weights)
        self.products = Products(threads, self.inputs, weights, self.results)

    def _place(self, room: Room) -> None:
        self.products.place(
            (room.inputs, room.inputs_part),
            (room.weights, room.weights_part),
            (room.results, room.results_part),
        )

    def call(
        self,
        room: Memory,
        x: Memory,
        weights: Memory,
        bias: Memory | None,
        y: Memory,
        relu: bool = False,
    ) -> Call:
        """The call, for these memories, all of them plain or channels last."""
        no_bias = aligned(4 * self.shape.maps)
        floor = np.float32(0 if relu else -np.inf)
        products = self.products

        def run() -> int:
            entered = self._enter(room)
            status: int = self._run(
                self.threads, self.pieces, self.shape, _address(x), _address(weights), self.order,
                _address(bias) if bias is not None else no_bias.ctypes.data, floor, _address(y),
                entered, products.product, products.arguments, self.listed,
            )  # fmt: skip
            return status

        return named(run, f"convolution {self.implementation}")


class WeightGradient(_Winograd):
    """The gradients by weights and bias.

    Args:
        shape, threads, stripes: as above.
    """

    def __init__(self, shape: Shape, threads: int, stripes: bool):
        super().__init__(shape, threads, stripes)
        weights = Planes(self.width, shape.channels, threads, self.apart)
        self._plan(weights)
        planes = (self.results, self.inputs, weights)
        self.products = [Products(threads, *planes, transposed=True)]
        self._run: Any = weight_gradient_stripes
        if not stripes:
            self._run = weight_gradient_tiles
            self.products.append(Products(threads, *planes, transposed=True, sums=True))

    def _place(self, room: Room) -> None:
        for products in self.products:
            products.place(
                (room.results, room.results_part),
                (room.inputs, room.inputs_part),
                (room.weights, room.weights_part),
            )

    def call(
        self,
        room: Memory,
        x: Memory,
        dy: Memory,
        weights: tuple[Memory, bool],
        bias: tuple[Memory, bool] | None,
    ) -> Call:
        """The call, for these memories.

        Args:
            room, x, dy: images channels last.
            weights, bias: where each gradient goes, plain, and whether it is added there.
        """
        dw, adds_w = weights
        db, adds_b = bias if bias is not None else (None, False)
        products = [part for each in self.products for part in (each.product, each.arguments)]

        def run() -> int:
            entered = self._enter(room)
            status: int = self._run(
                self.threads, self.pieces, self.shape, _address(x), _address(dy), _address(dw),
                int(adds_w), _address(db) if db is not None else 0, int(adds_b), entered,
                *products, self.listed,
            )  # fmt: skip
            return status

        return named(run, f"convolution_backward_weights {self.implementation}")


def named(call: Callable[[], int], name: str) -> Call:
    """The call, with the name that stands for it in reports."""
    call.name = name  # type: ignore[attr-defined]
    return call


def _address(memory: Memory) -> int:
    address: int = memory.store.ctypes.data
    return address
