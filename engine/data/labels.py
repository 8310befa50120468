"""Labels written as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from layers.blob import Array
from layers.errors import DemitasseError

_LARGEST = float(np.finfo(np.float32).max)


def is_finite(values: Array | float) -> bool:
    """Whether these values are finite numbers in a blob too, whose floats are single."""
    whole = isinstance(values, np.ndarray) and values.dtype.kind in "biu"
    return whole or bool((np.abs(values) <= _LARGEST).all())


def check_label(label: Array, where: str) -> None:
    """Raises a DemitasseError where a label, or one of several, is NaN or infinite."""
    if not is_finite(label):
        raise DemitasseError("the label is not a number", where, f"{label.tolist()}")


def finite_number(word: str) -> float | None:
    """The number that a word says; None for no number, or one too large for a blob."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if abs(value) <= _LARGEST else None


def parse_numbers(words: Sequence[str], where: str, what: str = "label") -> Array:
    """The words as numbers: an array of no axes for one, of one axis for several.

    Raises:
        DemitasseError: a word is no number, or one too large for a blob.
    """
    values = [finite_number(word) for word in words]
    if None in values:
        word = words[values.index(None)]
        raise DemitasseError(f"the {what} is not a number", where, f'"{word}"')
    return np.array(values[0] if len(values) == 1 else values, np.float32)


def is_number(word: str) -> bool:
    """Whether a word is a number, infinite ones and NaN included."""
    try:
        float(word)
    except ValueError:
        return False
    return True
