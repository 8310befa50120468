"""How long a run trained and waited for data, and what it says in the end."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from engine import Solver
from engine.data import SourceLayer
from engine.solver import Step
from tests.harness.tiny_run import TESTED, make, write_data
from tools.commands import train
from tools.training.clock import TrainingClock
from tools.training.closing import closing_lines


@pytest.fixture
def solver(tmp_path: Path) -> Solver:
    write_data(tmp_path)
    return make(tmp_path, TESTED)


def source(solver: Solver) -> SourceLayer:
    return next(layer for layer in solver.net.layers if isinstance(layer, SourceLayer))


def test_tests_and_snapshots_are_no_training(solver: Solver) -> None:
    clock = TrainingClock(solver.net)
    time.sleep(0.03)
    source(solver).waited += 0.01
    clock.stepped(Step(0, 1.0, 1.0, 0.1, 5))
    after_one = clock.spent
    time.sleep(0.2)
    clock.tested(1, 0, {})
    time.sleep(0.2)
    clock.snapshotted(Path("some.solverstate"))
    assert clock.spent.seconds - after_one.seconds < 0.2
    assert clock.spent.waited == pytest.approx(0.01)
    assert (clock.iterations, clock.samples) == (1, 5)
    source(solver).waited += 0.02
    time.sleep(0.02)
    later = clock.spent.since(after_one)
    assert later.waited == pytest.approx(0.02) and later.seconds >= 0.02


def test_what_was_waited_before_does_not_count(solver: Solver) -> None:
    source(solver).waited = 5.0
    assert TrainingClock(solver.net).spent.waited == 0


def test_a_slow_source_shows(tmp_path: Path, capsys, monkeypatch) -> None:
    write_data(tmp_path)
    make(tmp_path, TESTED + "display: 3 snapshot: 4")
    slow = SourceLayer._next_batch

    def next_batch(self, top):
        time.sleep(0.02)
        return slow(self, top)

    monkeypatch.setattr(SourceLayer, "_next_batch", next_batch)
    assert train.main(["--solver", str(tmp_path / "solver.prototxt")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("Trained 9 iterations on 36 samples in ")
    share = float(lines[-2].split(", ")[1].split("%")[0])
    assert share > 60 and lines[-2].endswith("% of it waiting for data")
    prefix = tmp_path / "snap"
    assert lines[-1] == f"Left: snapshot {prefix}_iter_9.solverstate, log {prefix}_log.jsonl"
    log = [json.loads(line) for line in Path(f"{prefix}_log.jsonl").read_text().splitlines()]
    assert log[-1]["data_wait"] == pytest.approx(share / 100, abs=0.002)
    assert all(entry["data_wait"] > 0.6 for entry in log if entry["event"] == "display")


@pytest.mark.parametrize(
    "seconds, text",
    [(0.0123, "0.0123 s"), (12.34, "12.3 s"), (245, "4 min 5 s"), (12000, "3 h 20 min")],
)
def test_durations(solver: Solver, seconds: float, text: str) -> None:
    clock = TrainingClock(solver.net)
    clock._since -= seconds
    assert f" in {text}, 0.0% of it" in closing_lines(clock, None)[0]
    assert len(closing_lines(clock, None)) == 1
