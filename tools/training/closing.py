"""What the train command says when a run is over."""

from __future__ import annotations

from pathlib import Path

from tools.training.clock import TrainingClock


def closing_lines(clock: TrainingClock, log_path: Path | None) -> list[str]:
    """What was done and how long it took; where the snapshot and the log of it are.

    Args:
        clock: of the run.
        log_path: the run's log, if one was kept.
    """
    spent = clock.spent
    lines = [
        f"Trained {clock.iterations:,} iterations on {clock.samples:,} samples in "
        f"{_duration(spent.seconds)}, {spent.share:.1%} of it waiting for data"
    ]
    places = {"snapshot": clock.snapshot, "log": log_path}
    named = [f"{what} {path}" for what, path in places.items() if path is not None]
    if named:
        lines.append("Left: " + ", ".join(named))
    return lines


def _duration(seconds: float) -> str:
    """Seconds as people say them: 0.81 s, 12.3 s, 4 min 5 s, 3 h 20 min."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
