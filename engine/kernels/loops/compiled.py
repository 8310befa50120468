"""The decorator of parallel loops, which keeps their machine code from one process to the next."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache

log = logging.getLogger("demitasse")


def compiled(loop: Callable[..., Any], **how: Any) -> Any:
    """Function decorator: numba compiles it when it first runs, its ``prange`` shared by threads.

    numba keeps machine code as long as the file of the function is the same, but parts of loops
    are in other files; so the code is kept under a name that tells all of them. Where no folder
    can be written, or what it holds cannot be read, each process compiles anew.

    Args:
        loop: the function.
        how: further settings of ``numba.njit``.
    """
    loop.__qualname__ += f"-{_fingerprint()}"
    dispatcher = njit(nogil=True, parallel=True, **how)(loop)
    with suppress(RuntimeError):  # no folder to keep code in
        dispatcher._cache = _MachineCode(loop)
    return dispatcher


# Fused multiplications and additions are the only liberty: infinities and NaN are kept. A check
# for divisions by zero would keep loops from becoming vector instructions.
_VECTORS: Any = {"fastmath": {"contract"}, "error_model": "numpy"}
vector_part: Callable[..., Any] = njit(nogil=True, **_VECTORS)
vector_loop: Callable[..., Any] = partial(compiled, **_VECTORS)


class _MachineCode(FunctionCache):
    """numba's files of machine code, which are a help and never needed.

    numba writes them whole, but a power cut, a full disk or somebody else's rights may leave
    what it cannot read, or keep it from writing.
    """

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The machine code for these types; None where it has to be compiled."""
        found = None
        try:
            found = super().load_overload(sig, target_context)
        except Exception:  # bytes that are no pickle raise nearly anything
            with suppress(OSError):
                self.flush()  # so that what is compiled now can be kept
        if found is None:
            _tell()
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keeps machine code, where that is possible."""
        with suppress(OSError):
            super().save_overload(sig, data)


@cache
def _tell() -> None:
    """Says once in a process why the first iteration takes so long."""
    log.info("Compiling loops for this processor; the machine code is kept for later runs")


@cache
def _fingerprint() -> str:
    """A short digest of the modules that compiled loops are made of."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
