"""Errors that say what went wrong, where, what was found, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name closest to ``name`` (letter case set aside), or None when none is near."""
    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint naming the closest known name, or an empty string."""
    near = nearest(name, known)
    return f'did you mean "{near}"?' if near else ""


class DemitasseError(Exception):
    """Something a user can cause and mend; the command line prints it without a traceback.

    Args:
        what: the problem in one sentence.
        where: the file, position or layer it was found in.
        got: the offending value as it was found.
        expected: the values that would have been right.
        hint: what to write or run instead.
        id: the kind of problem, such as "DM101", that docs/errors.md explains; an error that
            has none gets that of the step in which it was met.
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        where: str = "",
        got: str = "",
        expected: str = "",
        hint: str = "",
        id: str = "",
    ):
        super().__init__(what)
        self.what, self.where = what, where
        self.got, self.expected, self.hint = got, expected, hint
        self.id = id

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        details = (("got", self.got), ("expected", self.expected), ("hint", self.hint))
        return text + "".join(f"\n  {label}: {value}" for label, value in details if value)


class LayerError(DemitasseError):
    """A layer cannot work with its parameters, its bottoms' shapes or their values.

    ``layer_name`` is set where the one who raises it is not the layer itself. ``chains`` are the
    layers that made each bottom, with the shapes they gave it, where the net knows them.
    """

    layer_name = ""
    chains: tuple[str, ...] = ()

    def __str__(self) -> str:
        return super().__str__() + "".join(f"\n  from: {chain}" for chain in self.chains)
