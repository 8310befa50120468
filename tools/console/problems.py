"""Problems as the terminal shows them: each with its id, which docs/errors.md explains."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import ConfigError
from layers.errors import DemitasseError

_SHOWN = 50  # problems printed; beyond that a file is of another kind altogether


def labelled(problem: DemitasseError, severity: str = "error") -> str:
    """``error: net.yaml:3:5: unknown field "..." [DM101]``, and the details below it."""
    first, newline, details = str(problem).partition("\n")
    return f"{severity}: {first}{f' [{problem.id}]' if problem.id else ''}{newline}{details}"


def listed(problems: Sequence[DemitasseError], severity: str = "error") -> str:
    """A line or more for each problem; of very many the first ones."""
    shown = [labelled(problem, severity) for problem in problems[:_SHOWN]]
    more = len(problems) - len(shown)
    return "\n".join(shown + [f"... and {more} more"] * (more > 0))


def told(problem: DemitasseError) -> str:
    """What a command that fails prints: one problem, or all those of a config."""
    if isinstance(problem, ConfigError) and len(problem.problems) > 1:
        return f"{listed(problem.problems)}\n{problem.what}"
    return labelled(problem)
