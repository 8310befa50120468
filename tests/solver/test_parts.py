"""Everything with state resumes exactly, and is needed for that."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from engine import Solver
from engine.snapshot.store import read_snapshot
from tests.harness.tiny_run import TESTED, make, recorder

END = 9
PLATEAU = 'test_iter: 2 test_interval: 1 max_iter: 9 lr_policy: "plateau" gamma: 0.5 momentum: 0.9 '
SETTINGS = {
    "average": TESTED + "ema_decay: 0.7",
    "monitor": TESTED + 'monitor: "loss" keep_best: true early_stop: 4 min_delta: 0.02',
    "plateau": PLATEAU + 'monitor: "loss" patience: 2 min_delta: 0.2',
    "plateau of the loss": PLATEAU + "plateau_winsize: 2 plateau_winsize: 3",
    "averaged monitor": TESTED + 'ema_decay: 0.7 monitor: "ema/loss" min_delta: 0.05',
    "warm-up": TESTED.replace("fixed", "cosine") + "warmup_iter: 4 min_lr: 0.001",
    "AMSGrad": TESTED + 'type: "AMSGrad" delta: 1e-6 decoupled_decay: true',
    "LARS": TESTED + 'type: "LARS" trust: 0.1 clip_gradients: 1',
    "whole set": TESTED.replace("test_iter: 2", "test_iter: 0") + "ema_decay: 0.5",
}


def outcome(solver: Solver) -> tuple[object, ...]:
    """Everything that a run leaves, when it goes on to the end."""
    solver.step(END - solver.iter)
    solver.test_all()
    heard = recorder(solver)
    monitor = solver.companions.monitor
    states = {
        name: {key: np.asarray(value).tolist() for key, value in part.get_state().items()}
        for name, part in solver.companions.parts.items()
    }
    weights = solver.net.arena.data.tobytes()
    best = monitor.best if monitor is not None else 0.0
    return weights, heard.losses, heard.rates, heard.scores, solver.iter, best, states


def stop_at(folder: Path, name: str, iteration: int) -> Path:
    solver = make(folder, SETTINGS[name])
    solver.step(iteration)
    return solver.snapshot()


@pytest.mark.parametrize("name", SETTINGS)
def test_resume_is_exact_at_every_iteration(tiny: Path, name: str) -> None:
    whole = outcome(make(tiny, SETTINGS[name]))
    stopped = whole[4]
    assert isinstance(stopped, int)
    for iteration in range(1, stopped):
        resumed = make(tiny, SETTINGS[name])
        resumed.restore(stop_at(tiny, name, iteration))
        found = outcome(resumed)
        for index in (0, 4, 5, 6):
            assert found[index] == whole[index], f"resumed at {iteration}"
        for index in (1, 2, 3):
            tail = found[index]
            assert isinstance(tail, list) and tail, f"resumed at {iteration}"
            assert tail == whole[index][-len(tail) :], f"resumed at {iteration}"  # type: ignore[index]


@pytest.mark.parametrize(
    "name", ["average", "monitor", "plateau", "plateau of the loss", "averaged monitor"]
)
def test_without_its_part_a_resume_differs(
    tiny: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    whole = outcome(make(tiny, SETTINGS[name]))
    parts = list(make(tiny, SETTINGS[name]).companions.parts)
    for part in parts:
        differs = False
        for iteration in range(1, END):
            snapshot = read_snapshot(stop_at(tiny, name, iteration))
            progress = snapshot.state.progress
            assert progress is not None
            kept = [entry for entry in progress.part if entry.name != part]
            assert len(kept) == len(parts) - 1
            del progress.part[:]
            progress.part.extend(kept)
            resumed = make(tiny, SETTINGS[name])
            resumed._restore(snapshot)
            found = outcome(resumed)
            differs |= (found[0], found[4:]) != (whole[0], whole[4:])
        assert differs, part
        assert f"no state of {part}: it starts anew" in caplog.text


def test_a_changed_config_gives_notices(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = stop_at(tiny, "averaged monitor", 3)
    other = make(tiny, PLATEAU + 'monitor: "accuracy"')
    other.restore(path)
    other.step(1)
    for words in (
        "state of average is not used",
        "no state of plateau",
        'state of monitor does not fit, it starts anew: it followed "ema/loss"',
    ):
        assert words in caplog.text


def test_an_average_of_another_shape_starts_anew(
    tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    snapshot = read_snapshot(stop_at(tiny, "average", 3))
    progress = snapshot.state.progress
    assert progress is not None
    del progress.part[0].entry[-1]
    solver = make(tiny, SETTINGS["average"])
    solver._restore(snapshot)
    assert "another net" in caplog.text
    assert solver.companions.average is not None and not solver.companions.average.begun


def test_a_snapshot_of_caffes_has_the_drops_only(tiny: Path) -> None:
    snapshot = read_snapshot(stop_at(tiny, "plateau", 6))
    assert snapshot.state.current_step == 2
    snapshot.state.progress = None
    solver = make(tiny, SETTINGS["plateau"] + " ema_decay: 0.9")
    solver.step(2)
    solver._restore(snapshot)
    average, monitor = solver.companions.average, solver.companions.monitor
    assert average is not None and not average.begun
    assert monitor is not None and monitor.waited == 0
    solver.step(1)
    assert recorder(solver).rates[-1] == pytest.approx(0.05 / 4)


def test_restoring_into_a_used_solver_forgets_what_it_had(
    tiny: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = stop_at(tiny, "monitor", 2)
    solver = make(tiny, SETTINGS["monitor"])
    solver.step(5)
    solver.restore(path)
    fresh = make(tiny, SETTINGS["monitor"])
    fresh.restore(path)
    recorder(solver).__init__()  # type: ignore[misc]
    assert outcome(solver) == outcome(fresh)
