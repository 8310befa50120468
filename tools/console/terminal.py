"""Terminals that are closed while a command runs on."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def terminal_may_be_gone() -> Iterator[None]:
    """Around what prints: when the terminal was closed, output goes nowhere from then on.

    Training survives the hang-up (SIGHUP only has a snapshot written), so it must survive that
    nobody can be told.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno != errno.EIO:
            raise
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            if not os.isatty(stream):  # as a terminal that hung up is no more
                os.dup2(nowhere, stream)
