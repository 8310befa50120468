"""Adding rows into a matrix at given places, where places may repeat."""

from __future__ import annotations

import numpy as np

from layers.blob import Array


def add_rows(target: Array, places: Array, rows: Array) -> None:
    """``target[places[i]] += rows[i]`` for every i.

    Args:
        target: (M, K).
        places: (N,) whole numbers below M.
        rows: (N, K).
    """
    if not places.size:
        return
    # Sorted, equal places stand together and are summed in one go.
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    target[ordered[starts]] += np.add.reduceat(rows[order], starts, axis=0)
