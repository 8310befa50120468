"""Loops that numba compiles to machine code, for what oneDNN has no primitive.

They run in the same OpenMP threads as oneDNN's primitives, so the two never wait for each
other's threads. Modules of this package import numba, which takes a third of a second: ask
:func:`need_loops` first, and import them only where a plan uses them. Compiled code is kept in
numba's cache, beside the modules or in the user's cache folder.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from engine.kernels.onednn.calls import OneDNNError
from engine.kernels.onednn.threads import is_left_alone


def need_loops() -> None:
    """Returns where numba is installed, and works.

    Raises:
        OneDNNError: it does not, so that a plan takes what works without it.
    """
    problem = "numba's threads do not survive a fork" if is_left_alone() else _problem()
    if problem:
        raise OneDNNError(problem)


def use_loop_threads(count: int) -> None:
    """Has compiled loops run in so many threads, or as many as the machine has."""
    import numba

    numba.set_num_threads(min(count, _settings().NUMBA_NUM_THREADS))


@cache
def _problem() -> str:
    """Why loops cannot be compiled; empty where they can."""
    if find_spec("numba") is None:
        return "numba is not installed (pip install 'demitasse[fast]')"
    try:
        settings = _settings()
        import_module("numba.np.ufunc.omppool")
    except ImportError as problem:  # another NumPy than it knows, or no OpenMP
        return f"numba does not work here: {problem}"
    if settings.DISABLE_JIT:
        return "numba is not to compile (NUMBA_DISABLE_JIT)"
    settings.THREADING_LAYER = "omp"
    return ""


def _settings() -> Any:
    import numba

    return numba.config
