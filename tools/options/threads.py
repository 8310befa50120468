"""The option ``--threads`` of the commands that compute."""

from __future__ import annotations

import argparse

from layers.errors import DemitasseError
from layers.kernels.threads import set_thread_count

# OpenMP ends the process, or crashes, when the system refuses it a thread.
_MOST = 1024


def add_threads_option(parser: argparse.ArgumentParser) -> None:
    """Declares it."""
    parser.add_argument(
        "--threads", type=int, metavar="N",
        help="compute in so many threads; the machine's cores, unless told",
    )  # fmt: skip


def use_threads(count: int | None) -> None:
    """Does as the option says.

    Raises:
        DemitasseError: the number makes no sense, or NumPy's matrix library takes none.
    """
    if count is None:
        return
    if not 1 <= count <= _MOST:
        raise DemitasseError(
            "--threads needs a number of threads", got=str(count), expected=f"1 to {_MOST}"
        )
    if not set_thread_count(count):
        raise DemitasseError(
            "the matrix library of this NumPy does not tell how to set its threads",
            hint="set OMP_NUM_THREADS in the environment instead",
        )
