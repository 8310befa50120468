"""Deleting old snapshots (``keep_last``)."""

from __future__ import annotations

import logging
import re
from pathlib import Path

log = logging.getLogger("demitasse")

# The state first: a pair without it is no snapshot any more, only weights.
_KINDS = ("solverstate", "caffemodel", "ema.caffemodel")


def delete_older(prefix: str, iteration: int, keep: int) -> list[Path]:
    """Deletes the snapshots before the newest ``keep`` ones; returns the files that went.

    Only files named ``PREFIX_iter_N.*`` of which there is a solver state go, and none whose
    iteration lies behind the one just written: those are of another, longer run.

    Args:
        prefix: the snapshot prefix.
        iteration: that of the snapshot just written, which is safe on the disk.
        keep: how many to keep, this one included.
    """
    folder, stem = Path(prefix).parent, Path(prefix).name
    kinds = "|".join(map(re.escape, _KINDS))
    pattern = re.compile(rf"{re.escape(stem)}_iter_(0|[1-9]\d*)\.({kinds})(?:\.h5)?")
    found: dict[int, list[tuple[int, Path]]] = {}
    for path in folder.iterdir():
        match = pattern.fullmatch(path.name)
        if match and int(match.group(1)) <= iteration:
            entry = (_KINDS.index(match.group(2)), path)
            found.setdefault(int(match.group(1)), []).append(entry)
    whole = {number: files for number, files in found.items() if min(files)[0] == 0}
    gone = []
    for number in sorted(whole, reverse=True)[keep:]:
        for _, path in sorted(whole[number]):
            try:
                path.unlink()
                gone.append(path)
            except OSError as problem:
                log.warning("cannot delete the old snapshot %s: %s", path, problem.strerror)
                break
    return gone
