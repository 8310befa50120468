"""Where blobs come from: the layers that made them, for messages about their shapes."""

from __future__ import annotations

from collections.abc import Iterable

from engine.net.gradient_flow import Node
from layers import Blob, LayerError

_SHOWN = 6  # layers of a chain; those farther away have less to do with an error


class Lineage:
    """The layers that made each blob, from the source on, and the names the config has for blobs.

    Args:
        written: names of the layers in the config; all others are Splits of the net's own.
    """

    def __init__(self, written: Iterable[str]):
        self._written = set(written)
        self._names: dict[str, str] = {}  # what the config calls the copies that Splits make
        self._makers: dict[str, list[tuple[Node, Blob]]] = {}  # by blob: its makers, in order

    def add(self, node: Node) -> None:
        """Takes in a layer whose shapes are known."""
        if node.layer.name not in self._written:
            source = node.bottom[0].name
            for top in node.top:
                self._names[top.name] = self.name(source)
                self._makers[top.name] = self._makers.get(source, [])
            return
        for top in node.top:
            self._makers[top.name] = [*self._makers.get(top.name, []), (node, top)]

    def name(self, blob: str) -> str:
        """What the config calls a blob."""
        return self._names.get(blob, blob)

    def chains(self, node: Node) -> tuple[str, ...]:
        """For each bottom ``data (64, 1, 28, 28) -> conv1 (64, 20, 24, 24) -> ...``.

        A bottom that comes straight from a source tells nothing new, and has none.
        """
        return tuple(chain for blob in node.bottom if " -> " in (chain := self._chain(blob.name)))

    def use_written_names(self, error: LayerError, node: Node) -> None:
        """Puts the config's names into an error that speaks of the copies a Split made."""
        for blob in node.bottom:
            name = self.name(blob.name)
            for part in ("what", "where", "got", "expected", "hint"):
                setattr(error, part, getattr(error, part).replace(blob.name, name))
            error.args = (error.what,)

    def _chain(self, blob: str) -> str:
        """The way back along first bottoms, layers in place among it, as text from the front."""
        words: list[str] = []
        while makers := self._makers.get(blob):
            for node, top in reversed(makers):
                words.insert(0, f"{node.layer.name} {top.shape}")
            first = makers[0][0]
            if not first.bottom:
                break
            blob = first.bottom[0].name
        shown = words[-_SHOWN:]
        return " -> ".join(["..."] * (len(words) > len(shown)) + shown)
