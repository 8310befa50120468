"""A pass as a plan runs it: a flat list of calls, and which operation each of them is for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.kernels.onednn.primitive import Call
from engine.plan.operations import Operation


@dataclass(frozen=True)
class Part:
    """The calls of one operation in one pass; none where it has nothing to compute."""

    operation: Operation
    calls: Sequence[Call]

    @property
    def kernels(self) -> list[str]:
        """What oneDNN calls the implementations it runs, each once; copies where it only copies."""
        names = [getattr(call, "name", "").split(" ", 1) for call in self.calls]
        named = [name for name in names if len(name) > 1]
        computing = [name for name in named if name[0] != "reorder"]
        return list(dict.fromkeys(implementation for _, implementation in computing or named))


class Pass:
    """The calls of a pass in order; the first ones are those of the first part, and so on."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.parts: list[Part] = []

    def end_part(self, operation: Operation, compiled: Sequence[Call]) -> None:
        """Takes what has been compiled since the last part as that of an operation."""
        part = Part(operation, compiled[len(self.calls) :])
        self.parts.append(part)
        self.calls.extend(part.calls)

    def end(self, compiled: Sequence[Call]) -> None:
        """Takes the calls that come after all operations."""
        self.calls.extend(compiled[len(self.calls) :])

    def watch(self, around: Callable[[Operation], tuple[Call, Call]]) -> None:
        """Has a call run before the calls of each part, and one after them.

        Args:
            around: makes the two for an operation.
        """
        rest = self.calls[sum(len(part.calls) for part in self.parts) :]
        self.calls = []
        for part in self.parts:
            before, after = around(part.operation)
            self.calls += [before, *part.calls, after] if part.calls else []
        self.calls += rest
