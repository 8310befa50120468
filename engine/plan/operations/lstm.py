"""LSTM: its matrix products and sigmoids by oneDNN, the rest of a step by NumPy."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from engine.kernels.onednn.constants import ELTWISE_LOGISTIC, FORWARD_TRAINING, WEIGHTS_MD
from engine.kernels.onednn.memory import Layout, Memory
from engine.kernels.onednn.primitive import Description, attributes, describe
from engine.kernels.onednn.threads import one_thread, use_threads
from engine.net.gradient_flow import Node
from engine.plan.compiler import Compiler, is_own
from engine.plan.operations.base import Operation, operation
from layers.blob import Array
from layers.kernels.threads import share, thread_count


def _product(source: Layout, weights: Layout, target: Layout, **after: bool) -> Description:
    """A matrix product, into whose result something may be added."""
    return describe("matmul", source.handle, weights.handle, None, target.handle,
                    attributes(**after))  # fmt: skip


@operation("LSTM")
class LSTM(Operation):
    """The layer of that name without static input and exposed states.

    The products of all steps with x are one. In each step one call takes the logistic function
    of all gates, tanh being 2 logistic(2 z) - 1. The steps run in one thread: they are so short
    that threads which meet forty times in each would wait for each other, and for ever longer
    when another process wants a core.
    """

    limits = "only no static input, no states exposed"

    @classmethod
    def match(cls, nodes: Sequence[Node], index: int) -> list[Node]:
        node = nodes[index]
        return [node] if len(node.bottom) == 2 and len(node.top) == 1 and node.top[0].count else []

    def __init__(self, compiler: Compiler, nodes: Sequence[Node]):
        super().__init__(compiler, nodes)
        (x, cont), (top,) = self.node.bottom, self.node.top
        self.w, self.b, self.u = self.node.layer.blobs
        self.steps, self.streams, self.units = top.shape
        self.rows, self.wide = self.steps * self.streams, 4 * self.units
        self.source, self.marks = compiler.tensor(x), compiler.tensor(cont)
        self._describe()
        self._allocate()
        self.x = compiler.values(self.source, Layout.plain(x.shape)).seen_as(self.x_layout)
        compiler.follow(self.x, x, 0)
        marks = compiler.values(self.marks, Layout.plain(cont.shape))
        self.cont_moves = is_own(marks, cont, 0)
        self.cont = marks.array()
        memory = compiler.top_memory(top, Layout.plain(top.shape))
        self._forward(compiler)
        self.top = compiler.make(top, memory)

    def _describe(self) -> None:
        rows, wide, units, streams = self.rows, self.wide, self.units, self.streams
        inputs = self.w.shape[1]
        self.x_layout = Layout.plain((rows, inputs))
        self.z_layout, self.step_layout = Layout.plain((rows, wide)), Layout.plain((streams, wide))
        self.h_layout = Layout.plain((streams, units))
        turned = Layout.strided((inputs, wide), (1, inputs))
        self.turned, self.bias_row = turned, Layout.plain((1, wide))
        self.into = describe("matmul", self.x_layout.handle, turned.handle, self.bias_row.handle,
                             self.z_layout.handle, attributes())  # fmt: skip
        self.columns = Layout.strided((wide, rows), (1, wide))
        self.by_u = _product(self.columns, Layout.plain((rows, units)), Layout.plain(self.u.shape))
        self.by_w = _product(self.columns, self.x_layout, Layout.plain(self.w.shape))
        self.by_x = _product(self.z_layout, Layout.plain(self.w.shape), self.x_layout)
        with one_thread(thread_count()):
            self._describe_step(streams, wide, units)

    def _describe_step(self, streams: int, wide: int, units: int) -> None:
        free = Layout.any((units, wide))
        self.on = _product(self.h_layout, free, self.step_layout, sums=True)
        self.on_weights = self.on.layout(WEIGHTS_MD, (units, wide))
        self.logistic = describe("eltwise_forward", FORWARD_TRAINING, ELTWISE_LOGISTIC,
                                 self.step_layout.handle, self.step_layout.handle,
                                 ctypes.c_float(0), ctypes.c_float(0), attributes())  # fmt: skip
        self.back = _product(self.step_layout, Layout.any((wide, units)), self.h_layout)
        self.back_weights = self.back.layout(WEIGHTS_MD, (wide, units))

    def _allocate(self) -> None:
        steps, streams, units = self.steps, self.streams, self.units
        new = np.zeros
        self.gates = new((steps, streams, self.wide), np.float32)
        self.dgates = np.empty_like(self.gates)
        self.slopes = np.empty_like(self.gates)
        self.cells = new((steps + 1, streams, units), np.float32)
        self.squashed, self.before, self.reach = new((3, steps, streams, units), np.float32)
        self.dh, self.dc, self.work = (new((streams, units), np.float32) for _ in range(3))

    def _forward(self, compiler: Compiler) -> None:
        w = compiler.parameter_as(self.w, self.turned)
        b = compiler.parameter_as(self.b, self.bias_row)
        u = compiler.parameter_as(self.u, Layout.strided((self.units, self.wide), (1, self.units)))
        packed = Memory(self.on_weights)
        compiler.copy(u, packed)
        compiler.run(
            self.into, src=self.x, weights=w, bias=b, dst=Memory(self.z_layout, self.gates)
        )
        threads = thread_count()
        compiler.emit(self._begin, partial(use_threads, 1))
        with one_thread(threads):
            for t in range(self.steps):
                gates = Memory(self.step_layout, self.gates[t])
                before = Memory(self.h_layout, self.before[t])
                compiler.run(self.on, src=before, weights=packed, dst=gates)
                compiler.emit(self._doubled(t))
                compiler.run(self.logistic, src=gates, dst=gates)
                compiler.emit(self._step(t))
        compiler.emit(partial(use_threads, threads))

    def _begin(self) -> None:
        """Takes up the states, and the arrays where layers have left them."""
        layer = self.node.layer
        if self.cont_moves:
            self.cont = self.node.bottom[1].show(0)
        h, self.cells[0] = layer.start(self.node.bottom)  # type: ignore[attr-defined]
        np.multiply(h, self.cont[0][:, None], out=self.before[0])

    def _doubled(self, t: int) -> Callable[[], None]:
        tanh = self.gates[t, :, 3 * self.units :]

        def double() -> None:
            np.multiply(tanh, 2, out=tanh)

        return double

    def _parts(self, array: Array) -> list[Array]:
        return [array[..., k * self.units : (k + 1) * self.units] for k in range(4)]

    def _step(self, t: int) -> Callable[[], None]:
        i, f, o, g = self._parts(self.gates[t])
        cell, following = self.cells[t], self.cells[t + 1]
        squashed, work = self.squashed[t], self.work
        top, last = self.node.top[0], t == self.steps - 1
        layer = self.node.layer

        def step() -> None:
            np.multiply(g, 2, out=g)
            np.subtract(g, 1, out=g)
            np.multiply(f, cell, out=following)
            np.multiply(following, self.cont[t][:, None], out=following)
            np.multiply(i, g, out=work)
            np.add(following, work, out=following)
            np.tanh(following, out=squashed)
            h = top.show(0)[t]
            np.multiply(o, squashed, out=h)
            if last:
                layer.finish((h, following), self.node.top)  # type: ignore[attr-defined]
            else:
                np.multiply(h, self.cont[t + 1][:, None], out=self.before[t + 1])

        return step

    def backward(self, compiler: Compiler) -> None:
        layer = self.node.layer
        dy = compiler.gradient(self.top, Layout.plain(self.top.shape))
        moves = is_own(dy, self.top.blob, 1)
        u = compiler.parameter(self.u, self.back_weights)
        dh = Memory(self.h_layout, self.dh)
        threads = thread_count()
        compiler.emit(self._slopes, partial(use_threads, 1))
        with one_thread(threads):
            for t in reversed(range(self.steps)):
                compiler.emit(self._step_back(t, None if moves else dy.array()))
                gates = Memory(self.step_layout, self.dgates[t])
                compiler.run(self.back, src=gates, weights=u, dst=dh)
        compiler.emit(partial(use_threads, threads))
        columns = Memory(self.columns, self.dgates)
        rows = Memory(Layout.plain((self.rows, self.units)), self.before)
        learns = layer.param_propagate_down
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

    def _pass_down(self, compiler: Compiler) -> None:
        weights = compiler.parameter_as(self.w, Layout.plain(self.w.shape))
        gates = Memory(self.z_layout, self.dgates)

        def write(dx: Memory) -> None:
            matrix = dx.seen_as(self.x_layout)
            compiler.follow(matrix, self.source.blob, 1)
            compiler.run(self.by_x, src=gates, weights=weights, dst=matrix)

        compiler.give(self.source, Layout.plain(self.source.shape), write)

    def _slopes(self) -> None:
        """The derivatives that do not depend on what comes from above, of all steps at once."""
        first = 3 * self.units

        def some(t: slice) -> None:
            values, slopes = self.gates[t], self.slopes[t]
            np.multiply(values, values, out=slopes)
            np.subtract(values[..., :first], slopes[..., :first], out=slopes[..., :first])
            np.subtract(1, slopes[..., first:], out=slopes[..., first:])
            reach, output = self.reach[t], values[..., 2 * self.units : first]
            np.multiply(self.squashed[t], self.squashed[t], out=reach)
            np.subtract(1, reach, out=reach)
            np.multiply(reach, output, out=reach)

        share(some, self.steps, 4 * self.gates.size)
        self.dh.fill(0)
        self.dc.fill(0)

    def _step_back(self, t: int, dy: Array | None) -> Callable[[], None]:
        i, f, _, g = self._parts(self.gates[t])
        di, df, do, dg = self._parts(self.dgates[t])
        dgates, slopes, reach = self.dgates[t], self.slopes[t], self.reach[t]
        cell, squashed, dh, dc, work = self.cells[t], self.squashed[t], self.dh, self.dc, self.work
        top, last = self.node.top[0], t == self.steps - 1

        def back() -> None:
            if not last:
                np.multiply(dh, self.cont[t + 1][:, None], out=dh)
            np.add(dh, (top.show(1) if dy is None else dy)[t], out=dh)
            np.multiply(dh, reach, out=work)
            np.add(dc, work, out=dc)
            np.multiply(dc, g, out=di)
            np.multiply(dc, i, out=dg)
            np.multiply(dh, squashed, out=do)
            np.multiply(dc, self.cont[t][:, None], out=dc)
            np.multiply(dc, cell, out=df)
            np.multiply(dc, f, out=dc)
            np.multiply(dgates, slopes, out=dgates)

        return back

    def _bias_gradient(self, replace: bool) -> Callable[[], None]:
        rows, bias = self.dgates.reshape(self.rows, self.wide), self.b

        def add() -> None:
            if replace:
                rows.sum(axis=0, out=bias.diff)
            else:
                bias.diff += rows.sum(axis=0)

        return add
