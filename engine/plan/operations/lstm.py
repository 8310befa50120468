"""LSTM: matrix products by oneDNN, and a compiled loop over the steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.kernels.loops import need_loops, use_loop_threads
from engine.kernels.onednn.constants import ARGUMENTS, WEIGHTS_MD
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
from layers.blob import Array
from layers.kernels.threads import thread_count

if TYPE_CHECKING:  # numba is imported only where it is needed
    from engine.kernels.loops.execute import Products


_LOOP = "steps compiled loop"  # a name and what computes it, as primitives have


def _product(source: Layout, weights: Layout, target: Layout, **after: bool) -> Description:
    """A matrix product, into whose result something may be added."""
    return describe("matmul", source.handle, weights.handle, None, target.handle,
                    attributes(**after))  # fmt: skip


def _zeros(*shape: int) -> Array:
    """An array that begins with a cache line, as vector instructions like it."""
    return aligned(4 * math.prod(shape)).view(np.float32).reshape(shape)


def _values(memory: Memory, *shape: int) -> Array:
    """What plain memory holds, wherever it has moved to."""
    return memory.store.view(np.float32).reshape(shape)


@operation("LSTM")
class LSTM(Operation):
    """The layer of that name without static input and exposed states.

    The products of all steps with x are one, by all threads. Then each thread takes its part of
    the streams through all steps; the threads do not meet in between, for the steps are so
    short that they would mostly wait for each other.
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
        self._describe()
        self._allocate()
        values = compiler.values(self.source, Layout.plain(x.shape))
        self.x = compiler.matrix(values, self.x_layout, x, 0)
        self.cont = compiler.values(self.marks, Layout.plain(cont.shape))
        memory = compiler.top_memory(top, Layout.plain(top.shape))
        self._forward(compiler, memory)
        self.top = compiler.make(top, memory)

    def _describe(self) -> None:
        rows, wide, units, inputs = self.rows, self.wide, self.units, self.w.shape[1]
        self.x_layout, self.z_layout = Layout.plain((rows, inputs)), Layout.plain((rows, wide))
        self.bias_row = Layout.plain((1, wide))
        self.into = describe("matmul", self.x_layout.handle, Layout.any((inputs, wide)).handle,
                             self.bias_row.handle, self.z_layout.handle, attributes())  # fmt: skip
        self.columns = Layout.strided((wide, rows), (1, wide))
        self.by_u = _product(self.columns, Layout.plain((rows, units)), Layout.plain(self.u.shape))
        self.by_w = _product(self.columns, self.x_layout, Layout.plain(self.w.shape))
        self.by_x = _product(self.z_layout, Layout.plain(self.w.shape), self.x_layout)

    def _allocate(self) -> None:
        steps, streams, units = self.steps, self.streams, self.units
        self.gates, self.dgates = _zeros(2, steps, streams, 4, units)
        self.cells = _zeros(steps + 1, streams, units)
        self.squashed, self.before = _zeros(2, steps, streams, units)
        self.dh, self.dc = _zeros(2, streams, units)
        self.bias_parts = _zeros(self.parts, 4, units)

    def _forward(self, compiler: Compiler, top: Memory) -> None:
        inputs, units, wide = self.w.shape[1], self.units, self.wide
        packed = Memory(self.into.layout(WEIGHTS_MD, (inputs, wide)))
        turned = Layout.strided((inputs, wide), (1, inputs))
        compiler.copy(compiler.parameter_as(self.w, turned), packed)
        gates = Memory(self.z_layout, self.gates)
        b = compiler.parameter_as(self.b, self.bias_row)
        compiler.run(self.into, src=self.x, weights=packed, bias=b, dst=gates)

        on = self._describe_step(units, wide, sums=True)
        packed = Memory(on[0].layout(WEIGHTS_MD, (units, wide)))
        turned = Layout.strided((units, wide), (1, units))
        compiler.copy(compiler.parameter_as(self.u, turned), packed)
        products = self._products(on, list(self.before), packed, list(self.gates))
        compiler.emit(self._steps(products, top))

    def _describe_step(self, inputs: int, outputs: int, sums: bool = False) -> list[Description]:
        """The product of one step, for one thread: for each part of the streams."""
        descriptions, weights = [], Layout.any((inputs, outputs))
        with one_thread(thread_count()):
            for first, end in zip(self.ends, self.ends[1:], strict=False):
                source = Layout.plain((end - first, inputs))
                target = Layout.plain((end - first, outputs))
                descriptions.append(_product(source, weights, target, sums=sums))
                weights = descriptions[0].layout(WEIGHTS_MD, (inputs, outputs))
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
            h, self.cells[0] = layer.start(bottom)  # type: ignore[attr-defined]
            np.multiply(h, cont[0][:, None], out=self.before[0])
            use_loop_threads(self.parts)
            failed: int = lstm.forward(products.numbers, self.gates, cont, self.cells,
                                       self.squashed, self.before, y)  # fmt: skip
            layer.finish((y[-1], self.cells[-1]), self.node.top)  # type: ignore[attr-defined]
            return failed

        steps.name = _LOOP  # type: ignore[attr-defined]
        return steps

    def backward(self, compiler: Compiler) -> None:
        layer = self.node.layer
        learns = layer.param_propagate_down
        dy = compiler.gradient(self.top, Layout.plain(self.top.shape))
        compiler.follow(dy, self.top.blob, 1)
        back = self._describe_step(self.wide, self.units)
        u = compiler.parameter(self.u, back[0].layout(WEIGHTS_MD, (self.wide, self.units)))
        products = self._products(back, list(self.dgates), u, [self.dh] * self.steps)
        compiler.emit(self._steps_back(products, dy))
        columns = Memory(self.columns, self.dgates)
        rows = Memory(Layout.plain((self.rows, self.units)), self.before)
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
        weights = compiler.parameter_as(self.w, Layout.plain(self.w.shape))
        gates = Memory(self.z_layout, self.dgates)

        def write(dx: Memory) -> None:
            matrix = compiler.matrix(dx, self.x_layout, self.source.blob, 1)
            compiler.run(self.by_x, src=gates, weights=weights, dst=matrix)

        compiler.give(self.source, Layout.plain(self.source.shape), write)


def _matrix(rows: Array) -> Memory:
    """Memory over rows, each flat."""
    return Memory(Layout.plain((len(rows), rows[0].size)), rows)
