"""What an exact resume needs beyond Caffe's own fields: generators, cursors, loss window."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from engine.blob_io import read_blob, write_blob
from engine.data.source_layer import SourceLayer
from engine.errors import SnapshotError
from engine.schema import LayerProgress, NetProgress, ProgressEntry
from layers.base import State

if TYPE_CHECKING:
    from engine.net import Net
    from layers.blob import Array


def capture(net: Net) -> NetProgress:
    """The state of a net's random generator and of its layers (data position and the like)."""
    progress = NetProgress(rng=json.dumps(net.rng.bit_generator.state))
    for layer in net.layers:
        state = pack_state(layer.name, layer.get_state())
        if state.entry:
            progress.layer.append(state)
    return progress


def restore(net: Net, progress: NetProgress) -> None:
    """Gives a net back what :func:`capture` took.

    Raises:
        SnapshotError: it comes from another kind of generator.
    """
    try:
        net.rng.bit_generator.state = json.loads(progress.rng)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as problem:
        raise SnapshotError("the state of the random generator is not readable") from problem
    stored = {layer.name: layer for layer in progress.layer}
    for layer in net.layers:
        if layer.name in stored:
            layer.set_state(unpack_state(stored[layer.name]))


def seek_sources(nets: Sequence[Net], iteration: int, iter_size: int) -> Mapping[str, int]:
    """Moves the data sources to where ``iteration`` training iterations leave them.

    Caffe's own snapshots have no position and Caffe starts again at the first sample; an
    uninterrupted run would be here.

    Returns:
        the position of each source, in samples since the start of training.
    """
    positions = {}
    for net in nets:
        for layer in net.layers:
            if isinstance(layer, SourceLayer):
                positions[layer.name] = iteration * iter_size * layer.batch_size
                layer.seek(positions[layer.name])
    return positions


def pack_state(name: str, state: State) -> LayerProgress:
    """The state of a layer, or of anything else that has one, under its name."""
    return LayerProgress(name=name, entry=[_entry(key, value) for key, value in state.items()])


def unpack_state(stored: LayerProgress) -> State:
    """What :func:`pack_state` was given."""
    return {entry.key: _value(entry) for entry in stored.entry}


def _entry(key: str, value: int | str | Array) -> ProgressEntry:
    if isinstance(value, int):
        return ProgressEntry(key=key, number=value)
    if isinstance(value, str):
        return ProgressEntry(key=key, text=value)
    return ProgressEntry(key=key, blob=write_blob(value))


def _value(entry: ProgressEntry) -> int | str | Array:
    kind = entry.WhichOneof("value")
    return read_blob(entry.blob) if kind == "blob" else getattr(entry, kind)
