"""The seed of nets that are built without one."""

from __future__ import annotations

import numpy as np

_default: np.random.SeedSequence | None = None


def set_default_seed(seed: int) -> None:
    """From now on nets built without a seed get theirs, one after the other, from this one."""
    global _default
    _default = np.random.SeedSequence(seed)


def generator(seed: int | None) -> np.random.Generator:
    """A generator of the seed; without one, of the default, or a fresh one where none is set."""
    if seed is None and _default is not None:
        return np.random.default_rng(_default.spawn(1)[0])
    return np.random.default_rng(seed)
