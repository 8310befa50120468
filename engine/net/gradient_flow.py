"""Which layers must run backward, and into which of their bottoms (as Caffe decides)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from layers import Blob, Layer


@dataclass
class Node:
    """A layer in its place in the net.

    Args:
        layer: the layer.
        bottom: the blobs it reads, in order.
        top: the blobs it writes, in order.
        loss_weights: one for each top; 0 where the top is no part of the loss.
        need_backward: whether backward has anything to do here.
        propagate_down: for each bottom, whether its gradient is wanted.
        shapes: the bottoms' shapes that the layer was last reshaped for.
    """

    layer: Layer
    bottom: list[Blob] = field(default_factory=list)
    top: list[Blob] = field(default_factory=list)
    loss_weights: list[float] = field(default_factory=list)
    need_backward: bool = False
    propagate_down: list[bool] = field(default_factory=list)
    shapes: list[tuple[int, ...]] = field(default_factory=list)


def gradient_reaches(node: Node, learning: set[str]) -> None:
    """Forward half: notes on the node whether it, or something below it, has to learn.

    Args:
        node: the layer, its parameters known.
        learning: names of blobs that carry a gradient down; the node's tops join them.
    """
    asked = node.layer.layer_param.propagate_down
    below = [blob.name in learning for blob in node.bottom]
    node.propagate_down = [bool(flag) for flag in asked] if asked else below
    node.need_backward = any(below) or any(node.layer.param_propagate_down)
    if node.need_backward:
        learning.update(blob.name for blob in node.top)


def prune(nodes: Sequence[Node]) -> None:
    """Backward half: drops what no loss depends on, and what ``propagate_down`` cut off."""
    under_loss: set[str] = set()
    skipped: set[str] = set()
    for node in reversed(nodes):
        names = [blob.name for blob in node.top]
        contributes = any(node.loss_weights) or any(name in under_loss for name in names)
        if all(name in skipped for name in names) or not contributes:
            node.need_backward = False
            node.propagate_down = [False] * len(node.bottom)
        for blob, wanted in zip(node.bottom, node.propagate_down, strict=True):
            if contributes:
                under_loss.add(blob.name)
            if not wanted:
                skipped.add(blob.name)


def force(nodes: Sequence[Node]) -> None:
    """``force_backward: true``: gradients everywhere, save where a layer has none to give."""
    for node in nodes:
        node.need_backward = True
        node.propagate_down = [
            wanted or node.layer.allow_force_backward(index)
            for index, wanted in enumerate(node.propagate_down)
        ]
        node.layer.param_propagate_down = [True] * len(node.layer.blobs)
