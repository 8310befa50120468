"""Values for the Input layers of a net that is only run to see how fast it is."""

from __future__ import annotations

import numpy as np

from engine import Net
from engine.net.gradient_flow import Node
from layers.blob import Array, Blob


def fill_inputs(net: Net) -> None:
    """Random images, valid labels, and sequences that begin at the first step."""
    rng = np.random.default_rng(1)
    readers = {blob.name: (node, index) for node, index, blob in _uses(net)}
    for name in net.inputs:
        blob = net.blobs[name]
        _ = blob.data  # refuses a shape that is too large, before values are drawn for it
        blob.data = _values(readers.get(name), blob.shape, rng)


def _values(
    reader: tuple[Node, int] | None, shape: tuple[int, ...], rng: np.random.Generator
) -> Array:
    if reader is not None and reader[1] == 1:
        node = reader[0]
        if node.layer.type in ("SoftmaxWithLoss", "Accuracy"):
            axis = node.layer.layer_param.softmax_param.axis
            return rng.integers(0, node.bottom[0].shape[axis], shape)
        if node.layer.type in ("LSTM", "RNN"):
            cont = np.ones(shape)
            cont[0] = 0
            return cont
    return rng.random(shape, np.float32)


def _uses(net: Net) -> list[tuple[Node, int, Blob]]:
    """Who reads an input: the node, as which bottom, and the input, seen through Splits."""
    seen: dict[int, Blob] = {id(net.blobs[name]): net.blobs[name] for name in net.inputs}
    uses = []
    for node in net.nodes:
        for index, blob in enumerate(node.bottom):
            source = seen.get(id(blob))
            if source is None:
                continue
            if node.layer.type == "Split":
                seen.update((id(top), source) for top in node.top)
            else:
                uses.append((node, index, source))
    return uses
