"""The engine's errors, each made so that one print tells the user what to change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from layers.errors import DemitasseError, LayerError, did_you_mean, nearest

__all__ = [
    "ConfigError",
    "DemitasseError",
    "DivergedError",
    "LayerError",
    "MissingDependency",
    "SnapshotError",
    "did_you_mean",
    "identified",
    "identify",
    "nearest",
]


_SHOWN = 50  # problems printed; beyond that a file is of another kind altogether


class ConfigError(DemitasseError):
    """Everything that is wrong with a config, reported together rather than one per run.

    Args:
        problems: at least one; a ConfigError among them is replaced by its own problems.
    """

    def __init__(self, problems: Iterable[DemitasseError]):
        distinct: dict[str, DemitasseError] = {}  # a YAML alias repeats what is wrong in it
        for problem in problems:
            for one in problem.problems if isinstance(problem, ConfigError) else [problem]:
                distinct.setdefault(str(one), one)
        self.problems: list[DemitasseError] = list(distinct.values())
        if len(self.problems) == 1:
            only = self.problems[0]
            super().__init__(only.what, only.where, only.got, only.expected, only.hint, only.id)
        else:
            super().__init__(f"{len(self.problems)} problems")

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        shown = [str(problem) for problem in self.problems[:_SHOWN]]
        more = len(self.problems) - len(shown)
        return "\n".join([f"{self.what}:", *shown] + [f"... and {more} more"] * (more > 0))


def identify(problems: Iterable[DemitasseError], id: str) -> None:
    """Gives an id to those of the problems that have none."""
    for problem in problems:
        problem.id = problem.id or id
        if isinstance(problem, ConfigError):
            identify(problem.problems, id)


@contextmanager
def identified(id: str) -> Iterator[None]:
    """Gives an id to an error that is raised inside without one."""
    try:
        yield
    except DemitasseError as problem:
        identify([problem], id)
        raise


class SnapshotError(DemitasseError):
    """A snapshot is missing, torn, altered, or does not belong to this net or solver."""


class DivergedError(DemitasseError):
    """Training has left the numbers: a loss or a parameter is infinite or NaN."""


class MissingDependency(DemitasseError):
    """Something asked for needs a package that is not installed.

    Args:
        package: the name it is imported by.
        extra: the extra of demitasse that installs it.
        needed_for: what was asked for, such as "reading LMDB".
    """

    def __init__(self, package: str, extra: str, needed_for: str = ""):
        purpose = f" for {needed_for}" if needed_for else ""
        super().__init__(
            f'the package "{package}" is needed{purpose} and is not installed',
            hint=f"pip install 'demitasse[{extra}]'",
            id="DM502",
        )
        self.package, self.extra = package, extra
