"""Signals and a time limit, for whoever runs a solver and wants them; a Solver installs none."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from types import FrameType, TracebackType
from typing import Any, Literal

from engine.solver.listener import Listener, Step
from engine.solver.solver import Solver

Effect = Literal["stop", "snapshot", "none"]

_DISK = 50e6  # bytes a second, the guess before a snapshot was timed


class Interrupts:
    """While it is open, signals end the training well or have a snapshot written.

    ``stop`` finishes the iteration, saves and ends; a second such signal ends the process at
    once. ``snapshot`` saves and goes on; ``none`` ignores the signal.

    >>> with Interrupts(solver, {signal.SIGTERM: "stop"}) as interrupts:
    ...     solver.solve()
    >>> interrupts.exit_code
    143

    Args:
        solver: what is to end or to save.
        effects: what each signal does; it must be opened in the main thread.
    """

    def __init__(self, solver: Solver, effects: Mapping[signal.Signals, Effect]):
        self._solver, self._effects = solver, effects
        self._before: dict[signal.Signals, Any] = {}
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """0, or 128 and the number of the signal that ended the training, as shells count."""
        return 0 if self.received is None else 128 + self.received

    def __enter__(self) -> Interrupts:
        for number in self._effects:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        received = signal.Signals(number)
        effect = self._effects[received]
        if effect == "snapshot":
            self._solver.ask_snapshot()
        elif effect == "stop" and self.received is not None:
            # Whatever is being written has not got its name yet: nothing is lost.
            _say(f"{received.name} again: leaving at once")
            os._exit(128 + number)
        elif effect == "stop":
            self.received = received
            self._solver.finish()
            _say(f"{received.name}: finishing the iteration and saving; again to leave at once")


class TimeLimit(Listener):
    """Ends the training, with a snapshot, so that all is over before a deadline.

    The margin is the slowest iteration so far, a test before it included, and the time that
    the last snapshot took.

    Args:
        solver: what is to end.
        deadline: by ``time.monotonic()``.
    """

    def __init__(self, solver: Solver, deadline: float):
        self._solver, self._deadline = solver, deadline
        self._since = time.monotonic()
        self._slowest = 0.0
        self._saving = 0.0
        self.reached = False

    def stepped(self, step: Step) -> None:
        now = time.monotonic()
        self._slowest = max(self._slowest, now - self._since)
        self._since = now
        if not self.reached and now + self._slowest + self._snapshot_time() >= self._deadline:
            self.reached = True
            self._solver.finish()

    def snapshotted(self, path: object) -> None:
        self._saving = max(self._saving, self._solver.snapshot_seconds)
        self._since = time.monotonic()

    def _snapshot_time(self) -> float:
        if self._saving:
            return self._saving
        arrays = 1 + len(self._solver.optimizer.state)
        return 0.1 + self._solver.net.arena.data.nbytes * arrays / _DISK


def _say(text: str) -> None:
    """A handler may come in the midst of a print, so it writes past Python's buffers."""
    start = "\n" if os.isatty(2) else ""
    os.write(2, f"{start}{text}\n".encode())
