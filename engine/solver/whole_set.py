"""A test of every sample exactly once (``test_iter: 0``)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.data.source_layer import SourceLayer
from engine.net import Net
from engine.net.gradient_flow import Node
from layers.blob import Array
from layers.errors import DemitasseError

_WHY = "test_iter: 0 means every sample once"
_INSTEAD = "give test_iter, the number of batches in a test"


def check_sources(net: Net, why: str = _WHY, instead: str = _INSTEAD) -> None:
    """Checks that a net's data can be gone through once.

    Args:
        net: the net.
        why: the setting that asks for it, in the message.
        instead: the hint, what to ask for instead.

    Raises:
        DemitasseError: no source knows how many samples it has, or sources disagree.
    """
    sizes = {(layer.sample_count, layer.batch_size) for layer in _source_layers(net)}
    if len(sizes) != 1 or min(sizes)[0] < 1:
        raise DemitasseError(
            f"{why}, so all sources of the test net must know how many samples they have, and "
            "agree in it and in their batch_size",
            f'test net "{net.name}"',
            ", ".join(
                f"{layer.name}: {layer.sample_count or 'unknown'} in batches of {layer.batch_size}"
                for layer in _source_layers(net)
            )
            or "no source that counts its samples",
            hint=instead,
        )


def mean_over_set(net: Net) -> tuple[dict[str, Array], float]:
    """The mean over all samples of each output, from the first sample to the last, and the loss's.

    An output is taken for a mean over its batch, so that each counts in proportion to the
    samples in it. One with a row for each sample is averaged place by place, over the batches
    that have the place.
    """
    totals: dict[str, Array] = {}
    weights: dict[str, Array] = {}
    count, loss = 0, 0.0
    for rows, batch_loss in forward_over_set(net):
        count += rows
        loss += rows * batch_loss
        for name in net.outputs:
            values = net.blobs[name].data
            here = tuple(slice(length) for length in values.shape)
            totals.setdefault(name, np.zeros(values.shape))[here] += rows * values
            weights.setdefault(name, np.zeros(values.shape))[here] += rows
    means = {name: np.asarray(total / weights[name]) for name, total in totals.items()}
    return means, loss / count


def forward_over_set(net: Net) -> Iterator[tuple[int, float]]:
    """Runs the net on every sample once, from the first on; gives each batch's size and loss.

    The last batch holds what is left. Afterwards the sources stand at their first sample.
    """
    sources = [i for i, node in enumerate(net.nodes) if isinstance(node.layer, SourceLayer)]
    layers = _source_layers(net)
    count, batch = layers[0].sample_count, layers[0].batch_size
    try:
        for layer in layers:
            layer.seek(0)
        for start in range(0, count, batch):
            rows = min(batch, count - start)
            yield rows, _forward(net, sources, rows)
    finally:
        for index in sources:
            _whole_batches(net.nodes[index])


def _source_layers(net: Net) -> list[SourceLayer]:
    return [layer for layer in net.layers if isinstance(layer, SourceLayer)]


def _forward(net: Net, sources: list[int], rows: int) -> float:
    """A forward pass in which sources give their first rows only; the others reshape to it."""
    first, loss = 0, 0.0
    for index in sources:
        loss += net.forward_from_to(first, index)
        for blob in net.nodes[index].top:
            blob.reshape(rows, *blob.shape[1:])
        first = index + 1
    return loss + net.forward_from_to(first, len(net.nodes) - 1)


def _whole_batches(node: Node) -> None:
    assert isinstance(node.layer, SourceLayer)
    node.layer.reshape(node.bottom, node.top)
    node.layer.seek(0)
