"""From a plan back to the layers: they compute once more what they keep for their backward."""

from __future__ import annotations

from collections.abc import Sequence

from engine.net.gradient_flow import Node
from engine.plan.operations import Operation, Reference
from layers.blob import Blob


def catch_up(operations: Sequence[Operation], nodes: Sequence[Node]) -> None:
    """Has the layers that operations stood in for run forward, from the values that there are.

    Layers that have run themselves do not run again: they may draw random numbers, read on in
    their source, write a file, or count. All blobs and parameters keep their values: somebody may
    have written into them, or another layer in place, since they were computed. So do the states
    that layers carry on.

    Args:
        operations: of a plan that the net has left.
        nodes: those that have run, the first ones of the net.
    """
    ran = set(map(id, nodes))
    for operation in operations:
        group = [node for node in operation.nodes if id(node) in ran]
        if not group or isinstance(operation, Reference):
            continue
        recall = operation.recall
        if recall is None and changes(operation.node, operation.node.top[0]):
            continue  # its layer tells the derivative from the result, and keeps nothing
        # Where the rest of a group has not run, it goes on from what the first layers make.
        shown = _tops(group) if len(group) == len(operation.nodes) else []
        shown += [blob for node in group for blob in node.layer.blobs]  # running statistics
        kept = [(blob, blob.data.copy()) for blob in shown]
        states = [node.layer.get_state() for node in group]
        if recall is not None:
            recall()
        for node, state in zip(group, states, strict=True):
            node.layer.forward(node.bottom, node.top)
            node.layer.set_state(state)
        for blob, values in kept:
            blob.data = values


def changes(node: Node, blob: Blob) -> bool:
    """Whether a layer changes a blob in place."""
    return any(blob is bottom for bottom in node.bottom)


def _tops(nodes: Sequence[Node]) -> list[Blob]:
    """The tops of layers, each once; a Split's have no values of their own."""
    tops = {id(blob): blob for node in nodes if node.layer.type != "Split" for blob in node.top}
    return list(tops.values())
