"""Memory of Winograd's convolutions, and the matrix products on it."""

from __future__ import annotations

import numpy as np

from engine.kernels.loops.execute import execute_address, prepared
from engine.kernels.loops.lanes import LANES
from engine.kernels.loops.winograd_shapes import Product, Room, Shape
from engine.kernels.loops.winograd_transforms import PLANES
from engine.kernels.onednn.memory import Layout, Memory, aligned
from engine.kernels.onednn.primitive import Scratch, attributes, describe, primitive
from engine.kernels.onednn.threads import one_thread
from layers.blob import Array

_LINE = 64  # bytes


class Planes:
    """36 matrices, in memory of each thread's own or in one for all.

    Args:
        rows, columns: of each matrix.
        parts: how many times they are there.
        apart: bytes between one and the next.
    """

    def __init__(self, rows: int, columns: int, parts: int = 1, apart: int = 0):
        self.rows, self.columns = rows, columns
        self.step = 4 * rows * columns + apart
        self.part = PLANES * self.step if parts > 1 else 0
        self.size = PLANES * self.step * parts

    def layout(self, transposed: bool = False) -> Layout:
        """As oneDNN sees them."""
        plane = self.step // 4
        if transposed:
            return Layout.strided((PLANES, self.columns, self.rows), (plane, 1, self.columns))
        return Layout.strided((PLANES, self.rows, self.columns), (plane, self.columns, 1))


class RoomPlan:
    """Where everything lies in the room.

    Args:
        threads: how many.
        shape: of the convolution.
        inputs, weights, results: the planes of each.
    """

    def __init__(
        self, threads: int, shape: Shape, inputs: Planes, weights: Planes, results: Planes
    ):
        self.inputs, self.weights, self.results = inputs, weights, results
        self._threads = threads
        self._line = -(-4 * max(shape.channels, shape.maps) // _LINE) * _LINE
        self._block = 4 * (shape.kernel * LANES) ** 2
        self.size = (
            inputs.size
            + weights.size
            + results.size
            + 2 * threads * self._line
            + threads * self._block
        )

    def at(self, base: int) -> Room:
        """The addresses, for a room that begins there."""
        weights = base + self.inputs.size
        results = weights + self.weights.size
        lines = results + self.results.size
        blocks = lines + 2 * self._threads * self._line
        return Room(
            self.inputs.rows, base, self.inputs.step, self.inputs.part,
            weights, self.weights.step, self.weights.part,
            results, self.results.step, self.results.part,
            lines, 2 * self._line, lines + self._line, 2 * self._line, blocks, self._block,
        )  # fmt: skip


class Products:
    """One product of planes for each thread, made to be run in that thread alone.

    Args:
        threads: how many.
        left, right, target: target = left right, plane by plane.
        transposed: target = left^T right.
        sums: the product is added to the target.
    """

    def __init__(self, threads: int, left: Planes, right: Planes, target: Planes,
                 transposed: bool = False, sums: bool = False):  # fmt: skip
        layouts = (left.layout(transposed), right.layout(), target.layout())
        with one_thread(threads):
            description = describe("matmul", layouts[0].handle, layouts[1].handle, None,
                                   layouts[2].handle, attributes(sums=sums))  # fmt: skip
            self._memories, calls = [], []
            for _ in range(threads):
                scratch, store = Scratch(), aligned(0)
                memories = [Memory(layout, store) for layout in layouts]
                names = dict(zip(("src", "weights", "dst"), memories, strict=True))
                calls.append(primitive(description, scratch, **names))
                scratch.bind()
                self._memories.append(memories)
        self._calls = calls  # to keep them alive
        numbers = [prepared(call) for call in calls]
        first = numbers[0]
        self.product = Product(execute_address(), first.primitive, first.stream, first.count)
        self.arguments: Array = np.array([each.arguments for each in numbers], np.int64)

    def place(self, *parts: tuple[int, int]) -> None:
        """Puts left, right and target where they lie: the first thread's, and the step from there
        to the next thread's."""
        for thread, memories in enumerate(self._memories):
            for memory, (first, step) in zip(memories, parts, strict=True):
                memory.move(first + thread * step)
