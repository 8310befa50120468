"""Who reads what: the layers of a net as a graph, before any is built."""

from __future__ import annotations

from collections.abc import Sequence

from engine.schema import LayerParameter

Top = tuple[int, int]  # the layer's index, and which of its tops


class Graph:
    """Makers and readers of blobs. A layer in place makes a blob anew: readers before it and after
    it read different values under one name.

    Args:
        layers: the layers that a state includes, in order.
    """

    def __init__(self, layers: Sequence[LayerParameter]):
        self.layers = list(layers)
        self._makers: dict[tuple[int, int], Top] = {}  # by reader and position of its bottom
        self._readers: dict[Top, list[int]] = {}
        latest: dict[str, Top] = {}
        for index, layer in enumerate(self.layers):
            for position, name in enumerate(layer.bottom):
                if name in latest:
                    self._makers[index, position] = latest[name]
                    self._readers.setdefault(latest[name], []).append(index)
            for position, name in enumerate(layer.top):
                latest[name] = (index, position)

    def maker(self, index: int, position: int = 0) -> LayerParameter | None:
        """The layer that makes a bottom of the layer at ``index``."""
        top = self._makers.get((index, position))
        return self.layers[top[0]] if top else None

    def source(self, index: int, position: int) -> Top | None:
        """Which top of which layer a bottom is."""
        return self._makers.get((index, position))

    def readers(self, index: int, position: int = 0) -> list[LayerParameter]:
        """The layers that read a top before a layer in place makes it anew, and that layer."""
        return [self.layers[reader] for reader in self._readers.get((index, position), [])]

    def in_place(self, layer: LayerParameter) -> bool:
        """Whether a layer overwrites its first bottom."""
        return bool(layer.bottom and layer.top and layer.bottom[0] == layer.top[0])
