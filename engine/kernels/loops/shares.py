"""How parts of a loop share things out."""

from __future__ import annotations

from numba import njit


@njit(nogil=True)
def share(index, parts, count):  # type: ignore[no-untyped-def]
    """The first of ``count`` things in the given one of so many parts, and where it ends."""
    return index * count // parts, (index + 1) * count // parts
