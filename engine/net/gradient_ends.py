"""Where gradients end: at layers without a derivative, and at bottoms that get none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.net.gradient_flow import Node
from layers import Layer


def has_backward(layer: Layer) -> bool:
    """Whether the layer defines a derivative; of a Python layer, whether the user's class does."""
    return type(layer).backward is not Layer.backward and hasattr(
        getattr(layer, "user", layer), "backward"
    )


def end_at_steps(nodes: Sequence[Node]) -> list[Node]:
    """Takes out of backward the layers that have no derivative, and all that lies below them alone.

    Where ``force`` sent gradients everywhere, such a layer (Accuracy, Threshold) would refuse.

    Args:
        nodes: of a net that has run forward; changed where they are.

    Returns:
        the layers that a gradient of the loss arrived at and ended in (of the outputs, in a net
        without a loss).
    """
    carrying = _losses(nodes) or _outputs(nodes)
    ended = []
    for node in reversed(nodes):
        tops = {id(top) for top in node.top}
        if tops & carrying and has_backward(node.layer):
            for top in node.top:
                if id(top) not in carrying:
                    top.diff[...] = 0  # nobody will: a Split adds up what is here
        else:
            if tops & carrying and any(node.propagate_down):
                ended.append(node)
            node.need_backward = False
            node.propagate_down = [False] * len(node.bottom)
        carrying -= tops
        carrying |= {
            id(blob)
            for blob, wanted in zip(node.bottom, node.propagate_down, strict=True)
            if wanted
        }
    return ended[::-1]


@dataclass
class Reach:
    """What backward sees of the ways to the loss.

    Args:
        whole: ids of the blobs from which every way to the loss, and there is one, carries a
            gradient back.
        broken: names of the layers from whose tops some way does not.
    """

    whole: set[int] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)


def reach(nodes: Sequence[Node]) -> Reach:
    """Follows all ways back from the loss.

    A way ends where a layer takes a blob as its target: from an autoencoder's input one leads
    through the net, and another one past it.
    """
    found = Reach()
    leading = _losses(nodes)
    partly: set[int] = set()  # of those leading
    for node in reversed(nodes):
        tops = {id(top) for top in node.top}
        leads, broken = bool(tops & leading), bool(tops & partly)
        found.whole = (found.whole - tops) | ((tops & leading) - partly)
        if leads and (broken or not node.need_backward):
            found.broken.add(node.layer.name)
        leading -= tops
        partly -= tops
        if leads:
            for blob, wanted in zip(node.bottom, node.propagate_down, strict=True):
                leading.add(id(blob))
                if broken or not wanted:
                    partly.add(id(blob))
    return found


def _losses(nodes: Sequence[Node]) -> set[int]:
    """Ids of the blobs that are part of the loss."""
    return {
        id(top)
        for node in nodes
        for top, weight in zip(node.top, node.loss_weights, strict=True)
        if weight
    }


def _outputs(nodes: Sequence[Node]) -> set[int]:
    """Ids of the blobs that nobody reads in their last version."""
    found: set[int] = set()
    for node in nodes:
        found -= {id(blob) for blob in node.bottom}
        found |= {id(blob) for blob in node.top}
    return found
