"""Refuses texts that are far too long for a config, before minutes go into reading them."""

from __future__ import annotations

from engine.errors import ConfigError, DemitasseError

# The longest nets we know, of hundreds of layers written out one by one, have some 20,000.
MAX_MARKS = 150_000
_MARKS = "\n,:{[<"


def refuse_long(text: str, name: str) -> None:
    """Counts what separates values, which takes next to no time.

    Raises:
        ConfigError: there are too many.
    """
    count = sum(map(text.count, _MARKS))
    if count > MAX_MARKS:
        what = "too long for a config"
        raise ConfigError(
            [DemitasseError(what, name, f"{count:,} lines and values", f"{MAX_MARKS:,} or fewer")]
        )
