"""The forward and the backward pass through the layers of a net."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from engine.net.build import Locate, describing_bottoms, located, place, reshape
from engine.net.debug import Tracer
from engine.net.fast_passes import FastPasses
from engine.net.gradient_flow import Node
from engine.net.lineage import Lineage
from engine.net.params import Arena
from layers.errors import LayerError
from layers.kernels.threads import computing


class Passes:
    """Runs layers from one position to another: by the fast engine where it can, else one by one.

    Args:
        nodes: of the net, in order.
        arena: the parameters.
        fast: runs whole passes.
        locate: where in the config a layer is written.
        lineage: how the shapes of blobs came about.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        arena: Arena,
        fast: FastPasses,
        locate: Locate,
        lineage: Lineage,
    ):
        self.nodes, self.arena, self.fast = nodes, arena, fast
        self._locate, self._lineage = locate, lineage
        self._tracer = Tracer()
        self._losses = [
            (position, blob, weight)
            for position, node in enumerate(nodes)
            for blob, weight in zip(node.top, node.loss_weights, strict=True)
            if weight
        ]

    def forward(self, first: int, last: int, trace: bool) -> float:
        """Runs the layers at positions ``first`` to ``last``; returns their weighted loss.

        Args:
            trace: whether to tell of every layer, as ``debug_info`` asks.
        """
        with computing():
            self._forward(self._fast_forward(first, last, trace), last, trace)
        return sum(
            weight * float(blob.data.sum())
            for position, blob, weight in self._losses
            if first <= position <= last
        )

    def backward(self, first: int, last: int, trace: bool, fresh: bool = False) -> None:
        """Runs the layers at positions ``last`` to ``first`` backward.

        Args:
            trace: whether to tell of every layer.
            fresh: whether gradients of parameters replace what was there, and are not added.

        Raises:
            DemitasseError: a part is to begin with a gradient that has not been kept.
        """
        with computing():
            if self._is_whole(first, last, trace):
                with self._placed():
                    if self.fast.backward(fresh):
                        return
            else:
                for blob in self.nodes[last].top:
                    blob.diff  # noqa: B018 - raises an error where it has not been kept
                self.fast.stop()
            if fresh:
                self.arena.diff.fill(0)
            self._backward(first, last, trace)

    def reshape(self, node: Node) -> None:
        """Infers the shapes of a node's tops anew."""
        with located(self._locate, node.layer.name), describing_bottoms(node, self._lineage):
            reshape(node)

    def _fast_forward(self, first: int, last: int, trace: bool) -> int:
        """Runs what the fast engine runs; returns the position to go on from."""
        if not self._is_whole(first, last, trace):
            self.fast.stop()
            return first
        with self._placed():
            return self.fast.forward(self._follow_all)

    @contextmanager
    def _placed(self) -> Iterator[None]:
        """Adds the place in the config to an error of a layer that a plan ran."""
        try:
            yield
        except LayerError as error:
            place(error, self._locate, error.layer_name)
            raise

    def _forward(self, first: int, last: int, trace: bool) -> None:
        for node in self.nodes[first : last + 1]:
            self._follow(node)
            with located(self._locate, node.layer.name):
                node.layer.forward(node.bottom, node.top)
            if trace:
                self._tracer.forward(node)

    def _follow_all(self) -> None:
        for node in self.nodes:
            self._follow(node)

    def _follow(self, node: Node) -> None:
        """Gives the tops of a node new shapes, if its bottoms have others than they had."""
        if node.shapes != [blob.shape for blob in node.bottom]:
            self.reshape(node)

    def _backward(self, first: int, last: int, trace: bool) -> None:
        for node in reversed(self.nodes[first : last + 1]):
            if node.need_backward:
                with located(self._locate, node.layer.name):
                    node.layer.backward(node.top, node.propagate_down, node.bottom)
                if trace:
                    self._tracer.backward(node)

    def _is_whole(self, first: int, last: int, trace: bool) -> bool:
        """Whether a pass over these layers may be a compiled one."""
        return first == 0 and last == len(self.nodes) - 1 and not trace
