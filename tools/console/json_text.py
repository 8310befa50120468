"""JSON for programs that read what a command found: on stdout, and nothing else there."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any


def add_json_option(parser: argparse.ArgumentParser, what: str = "it") -> None:
    """Declares ``--json``.

    Args:
        parser: the command's.
        what: what is printed so, for the help.
    """
    parser.add_argument("--json", action="store_true", help=f"print {what} as JSON")


def json_text(value: Any) -> str:
    """A value as indented JSON with an end of line."""
    return json.dumps(finite(value), allow_nan=False, indent=2, ensure_ascii=False) + "\n"


def finite(value: Any) -> Any:
    """JSON has no infinities: they become null, as NaN does."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
