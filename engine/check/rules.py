"""The kinds of problems, by their ids: what docs/errors.md explains.

An id never changes its meaning. The hundreds group them: 0 reading, 1 fields, 2 the net, 3 layers,
4 the solver, 5 data, 6 what is allowed but seldom meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_WARNINGS = ("DM108", "DM303", "DM411", "DM412", "DM6")  # nothing is wrong with the config itself


@dataclass(frozen=True)
class Rule:
    """A kind of problem.

    Args:
        id: such as "DM101".
        title: what is wrong, in a few words.
        meaning: why it matters, and what to do.
    """

    id: str
    title: str
    meaning: str

    @property
    def severity(self) -> str:
        """ "error", or "warning" where a net can be made and trained all the same."""
        return "warning" if self.id.startswith(_WARNINGS) else "error"


def _read() -> dict[str, Rule]:
    """The rules of the text beside this file: ``DM101 title``, then the meaning, indented."""
    text = Path(__file__).with_name("rules.txt").read_text(encoding="utf-8")
    rules = {}
    for part in text.strip().split("\n\n"):
        head, *meaning = part.splitlines()
        id, _, title = head.partition(" ")
        rules[id] = Rule(id, title, " ".join(line.strip() for line in meaning))
    return rules


RULES = _read()


def is_warning(id: str) -> bool:
    """Whether a problem of this id leaves a config usable."""
    return id in RULES and RULES[id].severity == "warning"
