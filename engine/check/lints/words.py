"""Words that several lints say."""

from __future__ import annotations

from collections.abc import Sequence

from engine.schema import LayerParameter

_SHOWN = 5


def layers_named(layers: Sequence[LayerParameter]) -> str:
    """``conv1``, or ``20 layers: conv1, conv2, ...``."""
    names = [layer.name for layer in layers]
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)
    return f"{len(names)} layers: {shown}"
