"""What a change to an image is."""

from __future__ import annotations

from typing import Any, Protocol

from engine.data.draws import Draws
from layers.blob import Array
from layers.errors import DemitasseError


class ImageChange(Protocol):
    """One random change to an image (C, H, W), which it leaves as it was and gives anew."""

    def shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of the changed image."""

    def __call__(self, image: Array, draws: Draws) -> Array:
        """The changed image."""


def check(right: bool, what: str, got: Any, expected: str) -> None:
    """Raises a DemitasseError about an option that is not right."""
    if not right:
        raise DemitasseError(f"wrong transform_param.augment: {what}", "", str(got), expected)
