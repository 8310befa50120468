"""Lengths of time as people write them."""

from __future__ import annotations

import math
import re

from layers.errors import DemitasseError

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PARTS = re.compile(r"(\d+(?:\.\d+)?)([dhms])")
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_SECONDS = re.compile(r"\d+(?:\.\d+)?")


def parse_duration(text: str) -> float:
    """Seconds of ``90s``, ``30m``, ``2h``, ``1h30m``, ``1:30:00``, ``90``.

    Raises:
        DemitasseError: it is none of these, or not above 0.
    """
    word = text.strip().lower()
    clock = _CLOCK.fullmatch(word)
    if clock is not None:
        hours, minutes, seconds = clock.groups()
        total = 3600 * float(hours or 0) + 60 * float(minutes) + float(seconds)
    elif _SECONDS.fullmatch(word):
        total = float(word)
    elif re.fullmatch(f"(?:{_PARTS.pattern})+", word):
        total = sum(float(number) * _UNITS[unit] for number, unit in _PARTS.findall(word))
    else:
        total = 0.0
    if not 0 < total < math.inf:
        raise DemitasseError(
            "not a length of time", got=text, expected="such as 2h, 90s, 30m, 1h30m or 1:30:00"
        )
    return total
