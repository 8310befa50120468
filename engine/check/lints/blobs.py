"""Blobs that nobody reads, and layers of one name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from engine.check.net import may_be_loss
from engine.check.report import CheckedNet
from engine.errors import DemitasseError
from layers import find_layer

# Their tops are there to be looked at.
_FOR_READERS = ("Accuracy", "ArgMax", "Silence", "Python", "DetectionOutput", "Softmax", "Sigmoid")


def unread(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM611: what a net in training makes for nobody, once the net holds together."""
    if not net.in_training or not net.whole or not any(map(may_be_loss, net.graph.layers)):
        return
    for index, layer in enumerate(net.graph.layers):
        if layer.type in _FOR_READERS or layer.loss_weight or may_be_loss(layer):
            continue
        node = net.node(layer)
        for position, name in enumerate(layer.top):
            scalar = node is not None and node.top[position].count == 1
            if scalar or net.graph.readers(index, position):
                continue
            what = f'makes "{name}", which no layer reads'
            hint = "leave the layer out, or include it in the TEST phase only"
            if not layer.bottom:
                hint = "leave the top out"
            elif position or len(layer.top) > 1:
                hint = "a layer of type Silence reads what is of no use"
            yield net.problem("DM611", layer, what, hint=hint)


def names_used_twice(net: CheckedNet) -> Iterator[DemitasseError]:
    """DM622: layers of one name in one state. Where they have parameters it is an error."""
    counts = Counter(layer.name for layer in net.graph.layers)
    for layer in net.graph.layers:
        if counts.pop(layer.name, 1) > 1:
            same = [other for other in net.graph.layers if other.name == layer.name]
            if all(find_layer(other.type) for other in same) and not _have_parameters(
                net, layer.name
            ):
                kinds = ", ".join(other.type for other in same)
                what = "has the name of another layer"
                hint = "overrides and messages go by the name: give each its own"
                yield net.problem("DM622", layer, what, got=kinds, hint=hint)


def _have_parameters(net: CheckedNet, name: str) -> bool:
    return sum(bool(n.layer.blobs) for n in net.nodes if n.layer.name == name) > 0
