"""The decorator of parallel loops, which keeps their machine code from one process to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit


def compiled(loop: Callable[..., Any], **how: Any) -> Any:
    """Function decorator: numba compiles it when it first runs, its ``prange`` shared by threads.

    numba keeps machine code as long as the file of the function is the same, but parts of loops
    are in other files; so the code is kept under a name that tells all of them. Where no folder
    can be written, each process compiles anew.

    Args:
        loop: the function.
        how: further settings of ``numba.njit``.
    """
    loop.__qualname__ += f"-{_fingerprint()}"
    try:
        return njit(nogil=True, parallel=True, cache=True, **how)(loop)
    except RuntimeError:  # no folder to keep code in
        return njit(nogil=True, parallel=True, **how)(loop)


@cache
def _fingerprint() -> str:
    """A short digest of the modules that compiled loops are made of."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
