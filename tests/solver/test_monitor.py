"""Monitoring a test score: names, directions, early stopping, the best model."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, Net, SnapshotError, Solver
from engine.snapshot.model_file import read_model
from engine.solver.monitor import Monitor
from tests.harness.tiny_run import TESTED, make, recorder


def monitor_of(solver: Solver) -> Monitor:
    assert solver.companions.monitor is not None
    return solver.companions.monitor


def hears(folder: Path, settings: str, scores: Sequence[float]) -> list[bool | None]:
    monitor = monitor_of(make(folder, TESTED + settings))
    return [monitor.hear(i, [{monitor.output: score}]) for i, score in enumerate(scores)]


def test_less_loss_is_better(tiny: Path) -> None:
    assert hears(tiny, 'monitor: "loss"', [3, 4, 2, 2]) == [True, False, True, False]


def test_more_accuracy_is_better(tiny: Path) -> None:
    assert hears(tiny, 'monitor: "accuracy"', [3, 4, 2, 5]) == [True, True, False, True]


def test_an_accuracy_is_known_by_its_layer(tiny: Path) -> None:
    text = (tiny / "net.prototxt").read_text().replace('top: "accuracy"', 'top: "right"')
    (tiny / "net.prototxt").write_text(text)
    assert hears(tiny, 'monitor: "right"', [3, 4]) == [True, True]


def test_the_mode_is_as_given(tiny: Path) -> None:
    assert hears(tiny, 'monitor: "accuracy" monitor_mode: MIN', [3, 4, 2]) == [True, False, True]
    assert hears(tiny, 'monitor: "loss" monitor_mode: MAX', [3, 4, 2]) == [True, True, False]


def test_small_changes_are_none(tiny: Path) -> None:
    found = hears(tiny, 'monitor: "loss" min_delta: 0.5', [3, 2.5, 2.4, 2.4, 1])
    assert found == [True, False, True, False, True]


def test_what_is_no_number_is_never_better(tiny: Path) -> None:
    found = hears(tiny, 'monitor: "loss"', [math.nan, 3, math.nan, -math.inf, 2])
    assert found == [False, True, False, False, True]


def test_a_repeated_test_counts_once(tiny: Path) -> None:
    monitor = monitor_of(make(tiny, TESTED + 'monitor: "loss"'))
    assert monitor.hear(4, [{"loss": 1.0}]) is True
    assert monitor.hear(4, [{"loss": 2.0}]) is None
    assert monitor.waited == 0


def test_another_test_net(tiny: Path) -> None:
    two = TESTED.replace("test_iter: 2", "test_iter: 2 test_iter: 1")
    solver = make(tiny, two + 'monitor: "1:accuracy"')
    monitor = monitor_of(solver)
    monitor.hear(0, [{"accuracy": 0.1}, {"accuracy": 0.7}])
    assert monitor.best == 0.7
    assert monitor_of(make(tiny, two + 'monitor: "0:loss"')).output == "loss"
    with pytest.raises(DemitasseError, match="2:accuracy") as caught:
        make(tiny, two + 'monitor: "2:accuracy"')
    assert "accuracy, loss, 1:accuracy, 1:loss" in str(caught.value)


def test_an_unknown_name_lists_the_outputs(tiny: Path) -> None:
    with pytest.raises(DemitasseError) as caught:
        make(tiny, TESTED + 'monitor: "acuracy" ema_decay: 0.9')
    message = str(caught.value)
    assert 'no test output is called "acuracy"' in message
    assert "accuracy, loss, ema/accuracy, ema/loss" in message
    assert 'did you mean "accuracy"' in message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (TESTED + "early_stop: 3", "early_stop needs monitor"),
        (TESTED + "keep_best: true", "keep_best needs monitor"),
        ('max_iter: 3 lr_policy: "fixed" monitor: "loss"', "monitor needs tests"),
        ('max_iter: 3 lr_policy: "fixed" test_interval: 1 monitor: "loss"', "tests no net"),
        (TESTED + 'monitor: "loss" early_stop: -1', "early_stop is too small"),
        (TESTED + "keep_last: -1", "keep_last is too small"),
        (TESTED + "ema_decay: 1", "ema_decay is too large"),
    ],
)
def test_settings_that_do_not_go_together(tiny: Path, settings: str, words: str) -> None:
    with pytest.raises(DemitasseError, match=words):
        make(tiny, settings)


EARLY = TESTED.replace("max_iter: 9", "max_iter: 50") + 'monitor: "loss" min_delta: 9 early_stop: 3'


def test_early_stop(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    solver = make(tiny, EARLY)
    solver.solve()
    assert solver.iter == 3
    assert [score["iteration"] for score in recorder(solver).scores] == [0, 1, 2, 3]
    assert (tiny / "snap_iter_3.solverstate").is_file()
    assert "3 tests without a better loss" in caplog.text
    again = make(tiny, EARLY)
    again.solve(tiny / "snap_iter_3.solverstate")
    assert again.iter == 3
    longer = make(tiny, EARLY.replace("early_stop: 3", "early_stop: 5"))
    longer.solve(tiny / "snap_iter_3.solverstate")
    assert longer.iter == 5


def test_best_model(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    solver = make(tiny, TESTED + 'monitor: "loss" keep_best: true')
    kept: dict[float, bytes] = {}
    for _ in range(9):
        solver.step(1)
        kept[monitor_of(solver).best] = (tiny / "snap_best.caffemodel").read_bytes()
    best = min(score["loss"] for score in recorder(solver).scores)
    assert len(kept) > 1 and list(kept) == sorted(kept, reverse=True)
    assert monitor_of(solver).best == best
    net = Net(tiny / "net.prototxt", phase=1)
    net.copy_from(tiny / "snap_best.caffemodel")
    iteration = monitor_of(solver).best_iteration
    # The test that found it began where the tests before it had left the data.
    net.layer_dict["held_out"].seek(iteration * 2 * 3)  # type: ignore[attr-defined]
    scores = [net.forward()["loss"].item() for _ in range(2)]
    assert np.mean(scores) == pytest.approx(best, rel=1e-6)
    assert f"Best loss so far, {best:.4g}" in caplog.text


def test_best_of_the_averaged_score_is_the_average(tiny: Path) -> None:
    solver = make(tiny, TESTED + 'monitor: "ema/loss" keep_best: true ema_decay: 0.5 min_delta: 9')
    solver.companions.monitor.hear = lambda *_: True  # type: ignore[union-attr, method-assign]
    solver.step(4)
    solver.test_all()
    average = solver.companions.average
    assert average is not None
    with average.installed():
        wanted = solver.net.params["ip1"][0].data.copy()
    stored = read_model(tiny / "snap_best.caffemodel").params["ip1"][0]
    np.testing.assert_array_equal(stored, wanted)
    assert (solver.net.params["ip1"][0].data != wanted).any()


def test_a_best_model_that_cannot_be_written(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    settings = TESTED + 'monitor: "loss" keep_best: true snapshot_after_train: false '
    with pytest.raises(SnapshotError, match="No space left"):
        make(tiny, settings).step(2)
    solver = make(tiny, settings + "snapshot_on_error: GO_ON")
    solver.step(2)
    assert solver.iter == 2
