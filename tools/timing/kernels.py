"""What computes each layer of a net, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine import Net
from engine.net.fast_passes import VARIABLE, fast_engine
from engine.net.gradient_flow import Node
from engine.plan.operations import Operation, Reference
from engine.plan.parts import Pass
from engine.plan.plan import Plan

NUMPY, ONEDNN = "NUMPY", "ONEDNN"


@dataclass(frozen=True)
class Kernel:
    """What computes a layer.

    Attributes:
        engine: ``NUMPY`` or ``ONEDNN``.
        forward: oneDNN's implementations, or which of several ways a layer takes in NumPy.
        backward: the same of the backward pass.
        why: a compiled net does not compute it by oneDNN, or not on its own.
    """

    engine: str
    forward: str = ""
    backward: str = ""
    why: str = ""


def kernels_of(net: Net, plan: Plan | None) -> list[Kernel]:
    """Of each node of a net, compiled or not."""
    if plan is None:
        return [_of_layer(node) for node in net.nodes]
    passes = {"forward": plan.forward_pass, "backward": plan.backward_passes.get(True, Pass())}
    names = {
        (part.operation, direction): ", ".join(part.kernels)
        for direction, compiled in passes.items()
        for part in compiled.parts
    }
    found: dict[int, Kernel] = {}
    for operation in plan.operations:
        both = [names.get((operation, direction), "") for direction in passes]
        found.update(_of_operation(operation, *both))
    return [found[id(node)] for node in net.nodes]


def why_numpy(net: Net) -> str:
    """Why a net is not compiled."""
    if os.environ.get(VARIABLE, "").lower() == "numpy":
        return "as asked for"
    if not fast_engine():
        return "oneDNN is not installed"
    if net.arena.data.dtype != "float32":
        return f"oneDNN computes in float32, not {net.arena.data.dtype}"
    return "shapes change from pass to pass"


def _of_operation(operation: Operation, forward: str, backward: str) -> dict[int, Kernel]:
    first, *others = operation.nodes
    if isinstance(operation, Reference):
        why = operation.why if first.bottom else ""  # sources have nothing to compute
        way = _of_layer(first)
        return {id(first): Kernel(NUMPY, way.forward, way.backward, why)}
    fused = Kernel(ONEDNN, why=f"in {first.layer.name}")
    return {id(first): Kernel(ONEDNN, forward, backward), **{id(node): fused for node in others}}


def _of_layer(node: Node) -> Kernel:
    convolver = getattr(node.layer, "convolver", None)
    way = type(convolver).__name__ if convolver is not None else ""
    return Kernel(NUMPY, way, way if node.need_backward else "")
