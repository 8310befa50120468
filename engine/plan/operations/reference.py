"""Reference: a layer that oneDNN does not compute runs as it is, between primitives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from engine.kernels.onednn.places import on_any_core
from engine.net.gradient_flow import Node
from engine.plan.calls import is_own
from engine.plan.compiler import Compiler
from engine.plan.operations.base import Operation
from layers.errors import LayerError


class ShapeChanged(Exception):
    """A layer made a top of another shape than it had, for which calls may have been compiled.

    Args:
        position: of the layer in the net; what comes after it has not run.
    """

    def __init__(self, position: int):
        super().__init__(position)
        self.position = position


class Reference(Operation):
    """The layer of ``layers/`` itself, with its blobs' own arrays.

    Args:
        compiler: takes the calls.
        nodes: the layer's.
        why: no operation of oneDNN's computes it.
    """

    def __init__(self, compiler: Compiler, nodes: Sequence[Node], why: str):
        super().__init__(compiler, nodes)
        self.why = why
        node = self.node
        self.bottoms = [compiler.tensor(blob) for blob in node.bottom]
        for tensor in self.bottoms:
            if not is_own(tensor.memory, tensor.blob, 0):
                compiler.copy(tensor.memory, compiler.own(tensor.blob))
        shown = list(node.bottom) + list(node.top)
        position = compiler.nodes.index(node)
        self._around = nullcontext if _is_ours(node) else on_any_core

        def forward() -> None:
            for blob in shown:
                blob.show(0)
            shapes = [blob.shape for blob in node.top]
            with _named(node), self._around():
                node.layer.forward(node.bottom, node.top)
            if [blob.shape for blob in node.top] != shapes:
                raise ShapeChanged(position)

        compiler.emit(forward)
        self.tops = []
        for blob in node.top:
            memory = compiler.own(blob)
            self.tops.append(compiler.make(blob, memory))
        if self.tops:
            compiler.emit(compiler.follower(node.top, 0))

    def backward(self, compiler: Compiler) -> None:
        node = self.node
        for tensor in self.tops:
            if tensor.diff is not None and not is_own(tensor.diff, tensor.blob, 1):
                compiler.copy(tensor.diff, compiler.own(tensor.blob, 1))
        shown = list(node.bottom) + list(node.top)
        for tensor in self.tops:
            last = compiler.made[id(tensor.blob)][-1]
            if last is not tensor and not is_own(last.memory, tensor.blob, 0):
                compiler.copy(last.memory, compiler.own(tensor.blob))  # what the blob is to hold
        if compiler.fresh:
            gradients = [blob for blob in node.layer.blobs if compiler.replaces(blob)]
        else:
            gradients = []

        def backward() -> None:
            for blob in gradients:
                blob.diff.fill(0)
            for blob in shown:
                blob.show(0)
                blob.show(1)
            with _named(node), self._around():
                node.layer.backward(node.top, node.propagate_down, node.bottom)

        compiler.emit(backward)
        for tensor, wanted in zip(self.bottoms, node.propagate_down, strict=True):
            if wanted:
                own = compiler.own(tensor.blob, 1)
                diff = compiler.diff(tensor)
                if not is_own(diff, tensor.blob, 1):
                    compiler.copy(own, diff)


def _is_ours(node: Node) -> bool:
    """Whether the layer only computes, so starts no thread or process but the team's."""
    return type(node.layer).__module__.startswith("layers.") and node.layer.type != "Python"


@contextmanager
def _named(node: Node) -> Iterator[None]:
    """An error of the layer tells whose it is."""
    try:
        yield
    except LayerError as error:
        error.layer_name = node.layer.name
        raise
