"""What killed runs leave behind: temporary files."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path

from engine.snapshot.store import completes

log = logging.getLogger("demitasse")

_KIND = r"(?:solverstate|caffemodel|ema\.caffemodel)(?:\.h5)?"


def settle(prefix: str) -> None:
    """Cleans up after killed runs of this prefix, before the next snapshot is written.

    A solver state that only lacks its name, its model having got one, gets it; every other
    temporary file of ours goes. Files of other names are left alone.

    Args:
        prefix: the snapshot prefix.
    """
    folder, stem = Path(prefix).parent, re.escape(Path(prefix).name)
    pattern = re.compile(rf"\.({stem}_(?:iter_(?:0|[1-9][0-9]*)|best)\.{_KIND})\.tmp")
    try:
        names = os.listdir(folder)
    except OSError:  # the snapshot itself will say what is wrong
        return
    for name in sorted(names):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        pending, path = folder / name, folder / match.group(1)
        with suppress(OSError):
            if ".solverstate" in name and completes(pending, path):
                os.replace(pending, path)
            else:
                pending.unlink()
            log.info("%s, left by a run that was killed, is cleaned up", pending)
