"""Parameters that two nets have in common, layer by layer of the same name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.net.build import Locate, place
from engine.net.gradient_flow import Node
from layers import Blob, LayerError


def shared_parameters(
    nodes: Iterable[Node], others: Iterable[Node], locate: Locate
) -> Iterator[tuple[Blob, Blob]]:
    """Each parameter of a net, with that of the other net whose place it takes.

    Args:
        nodes: the layers of the net.
        others: those of the other one.
        locate: the place of a layer of the first net in its config.

    Raises:
        LayerError: two parameters differ in shape.
    """
    theirs = {node.layer.name: node for node in others}
    for node in nodes:
        other = theirs.get(node.layer.name)
        if other is None:
            continue
        for blob, source in zip(node.layer.blobs, other.layer.blobs, strict=False):
            if blob.shape != source.shape:
                raise place(_misfit(node, blob, other, source), locate, node.layer.name)
            yield blob, source


def _misfit(node: Node, blob: Blob, other: Node, source: Blob) -> LayerError:
    """The error that two parameters differ; what the layers read tells most often why."""
    name = node.layer.name
    error = LayerError(
        "the nets cannot share its parameters, whose shapes differ",
        f'layer "{name}" ({node.layer.type})',
        got=f"shape {blob.shape} for bottoms of {_shapes(node)}",
        expected=f"shape {source.shape} in the other net, for bottoms of {_shapes(other)}",
        hint="its settings, and its bottoms but for the batch, have to be the same in both nets",
    )
    error.id, error.layer_name = "DM302", name
    return error


def _shapes(node: Node) -> str:
    return ", ".join(str(blob.shape) for blob in node.bottom) or "none"
