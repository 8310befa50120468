"""Shapes written in a config."""

from __future__ import annotations

from typing import Any

from layers.base import Layer


def shape_of(layer: Layer, message: Any) -> tuple[int, ...]:
    """The lengths in a BlobShape.

    Raises:
        LayerError: one of them is negative.
    """
    shape = tuple(int(length) for length in message.dim)
    if any(length < 0 for length in shape):
        raise layer.error("cannot make a blob with a negative length", got=f"shape {shape}")
    return shape


def one_or_each(layer: Layer, values: list[Any], tops: int, field: str) -> list[Any]:
    """One value for each top, from as many or from a single one for all.

    Raises:
        LayerError: there is another number of values.
    """
    if len(values) not in (1, tops):
        expected = "1" if tops == 1 else f"1, or {tops}: one for each top"
        raise layer.error(f"has the wrong number of {field}s", len(values), expected)
    return values * tops if len(values) == 1 else values
