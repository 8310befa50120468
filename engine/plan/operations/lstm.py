"""LSTM: matrix products by oneDNN, and a compiled loop over the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.kernels.loops import need_loops, use_loop_threads
from engine.kernels.onednn.constants import ARGUMENTS, BF16, F32, WEIGHTS_MD
from engine.kernels.onednn.memory import Layout, Memory, aligned
from engine.kernels.onednn.primitive import (
    Call,
    Description,
    Scratch,
    attributes,
    create,
    describe,
    prepared,
)
from engine.kernels.onednn.threads import one_thread
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation, operation
from layers.base import State
from layers.blob import Array, Blob
from layers.kernels.threads import thread_count

if TYPE_CHECKING:  # numba is imported only where it is needed
    from engine.kernels.loops.execute import Products


_LOOP = "steps compiled loop"  # a name and what computes it, as primitives have


def _product(source: Layout, weights: Layout, target: Layout, **after: bool) -> Description:
    """A matrix product, into whose result something may be added."""
    return describe("matmul", source.handle, weights.handle, None, target.handle,
                    attributes(**after))  # fmt: skip


def _zeros(*shape: int, dtype: int = F32) -> Array:
    """An array that begins with a cache line, as vector instructions like it."""
    kind = np.dtype(np.uint16 if dtype == BF16 else np.float32)
    return aligned(kind.itemsize * math.prod(shape)).view(kind).reshape(shape)


def _values(memory: Memory, *shape: int) -> Array:
    """What plain memory holds, wherever it has moved to."""
    values: Array = memory.store.view(np.float32)  # a blob that was larger once has more
    return values[: math.prod(shape)].reshape(shape)


@operation("LSTM")
class LSTM(Operation):
    """The layer of that name without static input and exposed states.

    The products of all steps with x are one, by all threads. Then each thread takes its part of
    the streams through all steps; the threads do not meet in between, for the steps are so
    short that they would mostly wait for each other.

    In a net with bfloat16 the factors of products are rounded to it; all else is float32.
    """

    limits = "only no static input, no states exposed"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        return [node] if len(node.bottom) == 2 and len(node.top) == 1 and node.top[0].count else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        need_loops()
        (x, cont), (top,) = self.node.bottom, self.node.top
        self.w, self.b, self.u = self.node.layer.blobs
        self.steps, self.streams, self.units = top.shape
        self.rows, self.wide = self.steps * self.streams, 4 * self.units
        self.parts = min(thread_count(), self.streams)
        self.ends = [self.streams * part // self.parts for part in range(self.parts + 1)]
        self.source, self.marks = compiler.tensor(x), compiler.tensor(cont)
        self.scratches: list[Scratch] = []
        self.began: State = {}  # what the layer carried on into the last forward pass
        self.dtype = compiler.dtype
        self._describe()
        self._allocate()
        values = compiler.values(self.source, compiler.plain(x.shape))
        self.x = compiler.matrix(values, self.x_layout, x, 0)
        self.cont = compiler.values(self.marks, Layout.plain(cont.shape))
        memory = compiler.top_memory(top, Layout.plain(top.shape))
        self._forward(compiler, memory)
        self.top = compiler.make(top, memory)
        self.recall = self._recall

    def _describe(self) -> None:
        rows, wide, units, inputs = self.rows, self.wide, self.units, self.w.shape[1]
        x, w, u = (rows, inputs), (wide, inputs), (wide, units)
        self.x_layout, self.w_layout, self.u_layout = map(self._factor, (x, w, u))
        self.z_layout, self.bias_row = Layout.plain((rows, wide)), Layout.plain((1, wide))
        self.into = describe("matmul", self.x_layout.handle,
                             Layout.any((inputs, wide), self.dtype).handle,
                             self.bias_row.handle, self.z_layout.handle, attributes())  # fmt: skip
        self.step = self._describe_step(units, wide, sums=True)
        self.step_back = self._describe_step(wide, units)
        self.dz_layout = self._factor((rows, wide))
        self.columns = Layout.strided((wide, rows), (1, wide), self.dtype)
        self.by_u = _product(self.columns, self._factor((rows, units)), Layout.plain(u))
        self.by_w = _product(self.columns, self.x_layout, Layout.plain(w))
        self.dx_layout = Layout.plain(x)
        self.by_x = _product(self.dz_layout, self.w_layout, self.dx_layout)

    def _factor(self, shape: Sequence[int]) -> Layout:
        """The layout of a matrix that is multiplied."""
        return Layout.plain(shape, self.dtype)

    def _allocate(self) -> None:
        steps, streams, units = self.steps, self.streams, self.units
        self.gates = _zeros(steps, streams, 4, units)
        self.dgates = _zeros(steps, streams, 4, units, dtype=self.dtype)
        self.cells = _zeros(steps + 1, streams, units)
        self.squashed = _zeros(steps, streams, units)
        self.before = _zeros(steps, streams, units, dtype=self.dtype)
        self.dh, self.dc = _zeros(2, streams, units)
        self.bias_parts = _zeros(self.parts, 4, units)

    def _forward(self, compiler: Compiler, top: Memory) -> None:
        packed = self._packed(compiler, self.into, self.w, self.w_layout)
        gates = Memory(self.z_layout, self.gates)
        b = compiler.parameter_as(self.b, self.bias_row)
        compiler.run(self.into, src=self.x, weights=packed, bias=b, dst=gates)
        packed = self._packed(compiler, self.step[0], self.u, self.u_layout)
        products = self._products(self.step, list(self.before), packed, list(self.gates))
        compiler.emit(self._steps(products, top))

    def _packed(
        self, compiler: Compiler, description: Description, blob: Blob, layout: Layout
    ) -> Memory:
        """A parameter turned, as a product wants its weights."""
        outputs, inputs = blob.shape
        packed = Memory(description.layout(WEIGHTS_MD, (inputs, outputs), self.dtype))
        turned = Layout.strided((inputs, outputs), (1, inputs), self.dtype)
        plain = compiler.parameter(blob, layout)
        compiler.copy(compiler.matrix(plain, turned, blob, 0), packed)
        return packed

    def _describe_step(self, inputs: int, outputs: int, sums: bool = False) -> list[Description]:
        """The product of one step, for one thread: for each part of the streams."""
        descriptions, weights = [], Layout.any((inputs, outputs), self.dtype)
        with one_thread(thread_count()):
            for first, end in zip(self.ends, self.ends[1:], strict=False):
                source = self._factor((end - first, inputs))
                target = Layout.plain((end - first, outputs))
                descriptions.append(_product(source, weights, target, sums=sums))
                weights = descriptions[0].layout(WEIGHTS_MD, (inputs, outputs), self.dtype)
        return descriptions

    def _products(
        self,
        descriptions: Sequence[Description],
        sources: Sequence[Array],
        weights: Memory,
        targets: Sequence[Array],
    ) -> Products:
        """The products of all steps, each of an array of all streams into another."""
        from engine.kernels.loops.execute import Products

        parts = []
        for description, first, end in zip(descriptions, self.ends, self.ends[1:], strict=False):
            handle, scratch, calls = create(description), Scratch(), []
            for source, target in zip(sources, targets, strict=True):
                given = [
                    (ARGUMENTS["src"], _matrix(source[first:end])),
                    (ARGUMENTS["weights"], weights),
                    (ARGUMENTS["dst"], _matrix(target[first:end])),
                ]
                calls.append(prepared(handle, description, given, scratch))
            scratch.bind()
            self.scratches.append(scratch)  # kept alive
            parts.append(calls)
        return Products(parts, self.ends)

    def _steps(self, products: Products, top: Memory) -> Call:
        from engine.kernels.loops import lstm

        layer, bottom, shape = self.node.layer, self.node.bottom, self.node.top[0].shape

        def steps() -> int:
            cont, y = _values(self.cont, *shape[:2]), _values(top, *shape)
            self.began = layer.get_state()
            h, self.cells[0] = layer.start(bottom)  # type: ignore[attr-defined]
            use_loop_threads(self.parts)
            failed: int = lstm.forward(products.numbers, self.gates, cont, h, self.cells,
                                       self.squashed, self.before, y)  # fmt: skip
            layer.finish((y[-1], self.cells[-1]), self.node.top)  # type: ignore[attr-defined]
            return failed

        steps.name = _LOOP  # type: ignore[attr-defined]
        return steps

    def _recall(self) -> None:
        self.node.layer.set_state(self.began)

    def backward(self, compiler: Compiler) -> None:
        layer = self.node.layer
        learns = layer.param_propagate_down
        dy = compiler.gradient(self.top, Layout.plain(self.top.shape))
        compiler.follow(dy, self.top.blob, 1)
        wanted = self.step_back[0].layout(WEIGHTS_MD, self.u.shape, self.dtype)
        u = compiler.passing.make("weights", wanted)
        compiler.copy(compiler.parameter(self.u, self.u_layout), u)
        products = self._products(self.step_back, list(self.dgates), u, [self.dh] * self.steps)
        compiler.emit(self._steps_back(products, dy))
        columns = Memory(self.columns, self.dgates)
        rows = Memory(self._factor((self.rows, self.units)), self.before)
        for learn, description, blob, right in (
            (learns[2], self.by_u, self.u, rows),
            (learns[0], self.by_w, self.w, self.x),
        ):
            if learn:
                parts = {"dst": (blob, Layout.plain(blob.shape), True)}
                compiler.parameter_gradients(description, parts, src=columns, weights=right)
        if learns[1]:
            compiler.emit(self._bias_gradient(compiler.replaces(self.b)))
        if self.node.propagate_down[0]:
            self._pass_down(compiler)

    def _steps_back(self, products: Products, dy: Memory) -> Call:
        from engine.kernels.loops import lstm

        shape = self.node.top[0].shape

        def steps() -> int:
            use_loop_threads(self.parts)
            failed: int = lstm.backward(
                products.numbers, _values(dy, *shape), _values(self.cont, *shape[:2]), self.gates,
                self.cells, self.squashed, self.dh, self.dc, self.dgates, self.bias_parts,
            )  # fmt: skip
            return failed

        steps.name = _LOOP  # type: ignore[attr-defined]
        return steps

    def _bias_gradient(self, replace: bool) -> Callable[[], None]:
        parts, bias = self.bias_parts.reshape(self.parts, self.wide), self.b

        def add() -> None:
            if replace:
                parts.sum(axis=0, out=bias.diff)
            else:
                bias.diff += parts.sum(axis=0)

        return add

    def _pass_down(self, compiler: Compiler) -> None:
        weights = compiler.parameter(self.w, self.w_layout)
        gates = Memory(self.dz_layout, self.dgates)

        def write(dx: Memory) -> None:
            matrix = compiler.matrix(dx, self.dx_layout, self.source.blob, 1)
            compiler.run(self.by_x, src=gates, weights=weights, dst=matrix)

        compiler.give(self.source, Layout.plain(self.source.shape), write)


def _matrix(rows: Array) -> Memory:
    """Memory over rows, each flat."""
    dtype = BF16 if rows.dtype == np.uint16 else F32
    return Memory(Layout.plain((len(rows), rows[0].size), dtype), rows)
