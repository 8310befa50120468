"""A progress bar around anything that takes its time; silent where no one looks."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def bar(total: int | None, unit: str, **settings: Any) -> Any:
    """tqdm's bar, to be updated by hand, on stderr; None where nobody knows the total."""
    quiet = not sys.stderr.isatty()
    return tqdm(total=total, unit=unit, dynamic_ncols=True, disable=quiet, **settings)
