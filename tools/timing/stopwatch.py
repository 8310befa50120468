"""Runs a net by the engine that trains it, and takes the time of every layer."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from functools import partial

from engine import Net
from engine.kernels.onednn.primitive import Call
from engine.net.gradient_flow import Node
from engine.plan.operations import Operation
from engine.plan.plan import Plan
from layers.kernels.threads import computing
from tools.timing.kernels import Kernel, kernels_of


@dataclass
class Passes:
    """When each pass of a layer in one direction began, and how long it took, in seconds."""

    starts: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def begin(self) -> None:
        """A pass begins."""
        self.starts.append(time.perf_counter())

    def end(self) -> None:
        """The pass is over."""
        self.seconds.append(time.perf_counter() - self.starts[-1])

    @property
    def least(self) -> float:
        """The fastest pass; 0 where there was none."""
        return min(self.seconds, default=0.0)

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.seconds) if self.seconds else 0.0


class Stopwatch:
    """The times of a net's layers, those of a fused layer with the one it is fused into.

    Args:
        net: its inputs filled.

    Attributes:
        forward, backward: a layer's passes each.
        whole: forward and backward passes of the net, without an update.
        kernels: what computed each layer.
        compiled: whether the net was, for oneDNN.
    """

    def __init__(self, net: Net):
        self.net = net
        self.forward = [Passes() for _ in net.nodes]
        self.backward = [Passes() for _ in net.nodes]
        self.whole = Passes()
        self.kernels: list[Kernel] = []
        self.compiled = False

    def run(self, iterations: int) -> None:
        """Runs the net once to warm up, then so many times to be measured."""
        self.net.forward_backward(fresh=True)  # compiles, and allocates
        plan = self.net.passes.fast.plan
        self.compiled = plan is not None and self._run_plan(plan, iterations)
        if not self.compiled:
            self._run_layers(iterations)
        self.kernels = kernels_of(self.net, plan if self.compiled else None)

    def _run_plan(self, plan: Plan, iterations: int) -> bool:
        """Whether the plan held out: it ends where a layer makes tops of another shape."""
        positions = {id(node): position for position, node in enumerate(self.net.nodes)}

        def clock(all_passes: list[Passes], operation: Operation) -> tuple[Call, Call]:
            passes = all_passes[positions[id(operation.node)]]
            return passes.begin, passes.end

        plan.forward_pass.watch(partial(clock, self.forward))
        plan.backward_passes[True].watch(partial(clock, self.backward))
        for _ in range(iterations):
            self.whole.begin()
            self.net.forward_backward(fresh=True)
            self.whole.end()
            if self.net.passes.fast.plan is not plan:
                self._forget()
                return False
        return True

    def _run_layers(self, iterations: int) -> None:
        self.net.passes.fast.stop()
        with computing():
            for _ in range(iterations):
                self.whole.begin()
                self.net.clear_param_diffs()
                for position, node in enumerate(self.net.nodes):
                    self._forward(position, node)
                for position, node in reversed(list(enumerate(self.net.nodes))):
                    if node.need_backward:
                        self._backward(position, node)
                self.whole.end()

    def _forward(self, position: int, node: Node) -> None:
        self.forward[position].begin()
        node.layer.forward(node.bottom, node.top)
        self.forward[position].end()

    def _backward(self, position: int, node: Node) -> None:
        self.backward[position].begin()
        node.layer.backward(node.top, node.propagate_down, node.bottom)
        self.backward[position].end()

    def _forget(self) -> None:
        """What was measured before the plan ended does not count."""
        for passes in (*self.forward, *self.backward, self.whole):
            passes.starts.clear()
            passes.seconds.clear()
