"""The moving average of the weights: its values, its tests, its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Net, Solver
from engine.snapshot.store import read_snapshot
from engine.spec import parse_solver
from tests.harness.tiny_run import TESTED, Recorder, make, recorder


def test_values(tiny: Path) -> None:
    solver = make(tiny, TESTED + "ema_decay: 0.7")
    weights = [solver.net.arena.data.astype(np.float64)]
    for _ in range(6):
        solver.step(1)
        weights.append(solver.net.arena.data.astype(np.float64))
    wanted = weights[0]
    for values in weights[1:]:
        wanted = 0.7 * wanted + 0.3 * values
    average = solver.companions.average
    assert average is not None
    with average.installed():
        np.testing.assert_allclose(solver.net.arena.data, wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(solver.net.arena.data, weights[-1])


def test_it_begins_with_weights_that_were_loaded(tiny: Path) -> None:
    solver = make(tiny, TESTED + "ema_decay: 0.999999")
    loaded = np.full_like(solver.net.arena.data, 0.25)
    solver.net.arena.data[:] = loaded
    solver.step(2)
    average = solver.companions.average
    assert average is not None
    with average.installed():
        np.testing.assert_allclose(solver.net.arena.data, loaded, atol=1e-5)


def test_it_changes_nothing_of_the_run_without_it(tiny: Path) -> None:
    plain, averaged = make(tiny, TESTED), make(tiny, TESTED + "ema_decay: 0.9")
    for solver in (plain, averaged):
        solver.step(9)
    assert plain.net.arena.data.tobytes() == averaged.net.arena.data.tobytes()
    assert recorder(plain).losses == recorder(averaged).losses
    for raw, both in zip(recorder(plain).scores, recorder(averaged).scores, strict=True):
        assert {name: both[name] for name in raw} == raw


def test_its_score_is_that_of_the_saved_model_on_the_same_batches(tiny: Path) -> None:
    solver = make(tiny, TESTED + "ema_decay: 0.5 test_initialization: false")
    solver.step(4)
    path = solver.snapshot()
    solver.test_all()
    scores = recorder(solver).scores[-1]
    assert scores["iteration"] == 4 and scores["ema/loss"] != scores["loss"]
    net = Net(tiny / "net.prototxt", phase=1)
    net.copy_from(path.with_name("snap_iter_4.ema.caffemodel"))
    net.layer_dict["held_out"].seek(3 * 2 * 3)  # type: ignore[attr-defined]
    found = np.mean([net.forward()["loss"].item() for _ in range(2)])
    assert scores["ema/loss"] == pytest.approx(found, rel=1e-6)


def test_an_average_of_weights_that_stay_scores_as_they_do(tiny: Path) -> None:
    solver = make(tiny, TESTED + "ema_decay: 0.5")
    solver.param.base_lr = 0
    solver.step(3)
    for scores in recorder(solver).scores:
        assert scores["ema/loss"] == scores["loss"]


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_files(tiny: Path, form: str) -> None:
    if form == "HDF5":
        pytest.importorskip("h5py")
    settings = TESTED + f"ema_decay: 0.5 snapshot_format: {form}"
    solver = make(tiny, settings)
    solver.step(2)
    path = solver.snapshot()
    ending = ".h5" if form == "HDF5" else ""
    assert {file.name for file in tiny.glob("snap*")} == {
        f"snap_iter_2.caffemodel{ending}",
        f"snap_iter_2.ema.caffemodel{ending}",
        f"snap_iter_2.solverstate{ending}",
    }
    # The pair is Caffe's: the raw weights in the model, and the average in a field it skips.
    model = read_snapshot(path).model.params["ip1"][0]
    np.testing.assert_array_equal(model, solver.net.params["ip1"][0].data)
    # The file of the average is for others; a resume does without.
    (tiny / f"snap_iter_2.ema.caffemodel{ending}").unlink()
    second = make(tiny, settings)
    second.restore(path)
    for either in (solver, second):
        either.step(3)
    for name, part in solver.companions.parts.items():
        mine, other = part.get_state(), second.companions.parts[name].get_state()
        for key, value in mine.items():
            np.testing.assert_array_equal(value, other[key])


def test_no_average_before_the_first_update(tiny: Path) -> None:
    solver = make(tiny, TESTED + "ema_decay: 0.5")
    second = make(tiny, TESTED + "ema_decay: 0.5")
    second.restore(solver.snapshot())
    for either in (solver, second):
        either.step(2)
    assert solver.net.arena.data.tobytes() == second.net.arena.data.tobytes()
    assert recorder(solver).scores == recorder(second).scores


REMEMBERING = """
base_lr: 0.5 lr_policy: "fixed" max_iter: 3 random_seed: 1 test_iter: 2 test_interval: 1
snapshot_after_train: false
net_param {
  layer {
    name: "data" type: "DummyData" top: "x" top: "cont" top: "wanted"
    dummy_data_param {
      shape { dim: 3 dim: 2 dim: 4 } shape { dim: 3 dim: 2 } shape { dim: 3 dim: 2 dim: 5 }
      data_filler { type: "gaussian" } data_filler { value: 1 } data_filler { value: 0.5 }
    }
  }
  layer {
    name: "lstm" type: "LSTM" bottom: "x" bottom: "cont" top: "h"
    recurrent_param { num_output: 5 weight_filler { type: "uniform" min: -0.5 max: 0.5 } }
  }
  layer { name: "loss" type: "EuclideanLoss" bottom: "h" bottom: "wanted" top: "loss" }
}
"""


def test_what_a_net_remembers_from_test_to_test_is_not_the_averages() -> None:
    """The sequences go on from one test to the next, and so does the state of the LSTM."""
    scores = []
    for settings in ("", "ema_decay: 0.9"):
        solver = Solver(parse_solver(REMEMBERING + settings), listener=Recorder())
        solver.solve()
        scores.append([test["loss"] for test in recorder(solver).scores])
    assert len(scores[0]) == 4 and scores[0] == scores[1]
