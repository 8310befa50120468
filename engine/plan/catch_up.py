"""From a plan back to the layers: they compute once more what they keep for their backward."""

from __future__ import annotations

from collections.abc import Sequence

from engine.net.gradient_flow import Node
from engine.plan.operations import Operation, Reference
from layers.blob import Array, Blob


def catch_up(operations: Sequence[Operation], nodes: Sequence[Node]) -> None:
    """Has the layers that operations stood in for run forward, from the values that there are.

    Layers that have run themselves do not run again: they may draw random numbers, read on in
    their source, write a file, or count. What they made in place is put back.

    Args:
        operations: of a plan that the net has left.
        nodes: those that have run, the first ones of the net.
    """
    ran = set(map(id, nodes))
    kept = [(blob, blob.data.copy()) for node in nodes for blob in node.top if changes(node, blob)]
    for operation in operations:
        group = [node for node in operation.nodes if id(node) in ran]
        if not group or isinstance(operation, Reference):
            continue
        if changes(operation.node, operation.node.top[0]):
            if operation.recall is None:
                continue  # its layer tells the derivative from the result, and keeps nothing
            operation.recall()
        for node in group:
            _run(node)
        if len(group) == len(operation.nodes):
            _put_back(kept, operation.node.top)


def changes(node: Node, blob: Blob) -> bool:
    """Whether a layer changes a blob in place."""
    return any(blob is bottom for bottom in node.bottom)


def _run(node: Node) -> None:
    parameters = [blob.data.copy() for blob in node.layer.blobs]
    node.layer.forward(node.bottom, node.top)
    for blob, values in zip(node.layer.blobs, parameters, strict=True):
        blob.data = values  # running statistics have moved on already


def _put_back(kept: Sequence[tuple[Blob, Array]], tops: Sequence[Blob]) -> None:
    for blob, values in kept:
        if any(blob is top for top in tops):
            blob.data = values
