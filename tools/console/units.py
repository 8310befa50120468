"""Numbers with their units, short enough for a column."""

from __future__ import annotations


def in_bytes(count: int) -> str:
    """1536 as 1.5K; nothing for nothing."""
    if not count:
        return ""
    size, unit = float(count), "B"
    for unit in "BKMG":
        if size < 1000 or unit == "G":
            break
        size /= 1024
    return f"{size:.0f}{unit}" if unit == "B" or size >= 100 else f"{size:.1f}{unit}"


def in_thousands(count: int) -> str:
    """2293000 as 2.29M; nothing for nothing."""
    if not count:
        return ""
    size, unit = float(count), ""
    for unit in ("", "K", "M", "G", "T"):
        if size < 999.5 or unit == "T":
            break
        size /= 1000
    return f"{size:.0f}{unit}" if not unit or size >= 99.95 else f"{size:.3g}{unit}"
