"""Block: the piece of the parameters that an update by oneDNN's passes works on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.kernels.onednn.elementwise import Factor
from layers.blob import Array


@dataclass(frozen=True)
class Block:
    """A piece of the parameters with one rate; its gradient is free to compute in.

    ``factors`` are those of its rule, in that order.
    """

    values: Array
    gradient: Array
    state: tuple[Array, ...]
    factors: tuple[Factor, ...]
