"""Runs a net and takes the time of every layer."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field

from engine import Net
from engine.net.gradient_flow import Node
from layers.kernels.threads import computing


@dataclass
class Passes:
    """When each pass of a layer in one direction began, and how long it took, in seconds."""

    starts: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def least(self) -> float:
        """The fastest pass; 0 where there was none."""
        return min(self.seconds, default=0.0)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds) if self.seconds else 0.0


class Stopwatch:
    """The times of a net's layers.

    Args:
        net: its inputs filled.
    """

    def __init__(self, net: Net):
        self.net = net
        self.forward = [Passes() for _ in net.nodes]
        self.backward = [Passes() for _ in net.nodes]
        self.whole = Passes()

    def run(self, iterations: int) -> None:
        """Runs the net once to warm up, then so many times to be measured."""
        self.net.forward_from_to(0, len(self.net.nodes) - 1)
        with computing():
            for first in [True] + [False] * iterations:
                began = time.perf_counter()
                self.net.clear_param_diffs()
                for position, node in enumerate(self.net.nodes):
                    self._forward(position, node)
                for position, node in reversed(list(enumerate(self.net.nodes))):
                    if node.need_backward:
                        self._backward(position, node)
                _note(self.whole, began)
                if first:
                    self._forget()

    def _forward(self, position: int, node: Node) -> None:
        began = time.perf_counter()
        node.layer.forward(node.bottom, node.top)
        _note(self.forward[position], began)

    def _backward(self, position: int, node: Node) -> None:
        began = time.perf_counter()
        node.layer.backward(node.top, node.propagate_down, node.bottom)
        _note(self.backward[position], began)

    def _forget(self) -> None:
        """The first pass allocates; it does not count."""
        for passes in (*self.forward, *self.backward, self.whole):
            passes.starts.clear()
            passes.seconds.clear()


def _note(passes: Passes, began: float) -> None:
    passes.starts.append(began)
    passes.seconds.append(time.perf_counter() - began)
