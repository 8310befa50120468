"""Whole training runs, equal to real Caffe's: losses, rates, weights, history, resumes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from engine import Listener, Solver, Step
from engine.blob_io import fit_legacy
from engine.snapshot.model_file import read_model
from engine.snapshot.state_file import read_state
from engine.snapshot.store import read_snapshot
from tests.harness.places import golden_folders

pytest.importorskip("h5py", reason="the data of the golden solver cases is HDF5")

HALF, END = 15, 30


@dataclass(frozen=True)
class Case:
    folder: Path

    @property
    def golden(self) -> dict[str, np.ndarray]:
        with np.load(self.folder / "golden.npz") as file:
            return dict(file)

    def caffe_snapshot(self, iteration: int) -> Path:
        plain = self.folder / f"snap_iter_{iteration}.solverstate"
        return plain if plain.exists() else plain.with_name(plain.name + ".h5")


def all_cases() -> list[Case]:
    cases: dict[str, Case] = {}
    for folder in golden_folders("solvers"):
        for name in json.loads((folder / "index.json").read_text()):
            cases.setdefault(name, Case(folder / name))
    return list(cases.values())


class Recorder(Listener):
    """Keeps the loss and the rate of every iteration."""

    def __init__(self) -> None:
        self.losses: list[float] = []
        self.rates: list[float] = []

    def stepped(self, step: Step) -> None:
        self.losses.append(step.loss)
        self.rates.append(step.lr)


@pytest.fixture(params=all_cases(), ids=lambda case: case.folder.name)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.chdir(request.param.folder)
    return request.param


def start(tmp_path: Path) -> tuple[Solver, Recorder]:
    recorder = Recorder()
    overrides = [f"solver.snapshot_prefix={tmp_path}/snap"]
    return Solver("solver.prototxt", overrides, listener=recorder), recorder


def check_weights(solver: Solver, golden: dict[str, np.ndarray], when: str, sens: float) -> None:
    for layer, blobs in solver.net.params.items():
        for index, blob in enumerate(blobs):
            wanted = golden[f"{when}_{layer}_{index}"]
            tolerance = 2e-6 if when == "iter1" else 2e-5 + 10 * sens
            np.testing.assert_allclose(blob.data, wanted, rtol=0, atol=tolerance)


def check_history(found: list[np.ndarray], wanted: list[np.ndarray], sens: float) -> None:
    assert len(found) == len(wanted)
    for mine, caffes in zip(found, wanted, strict=True):
        caffes = fit_legacy(caffes, mine.shape)
        largest = np.abs(caffes).max(initial=0)
        np.testing.assert_allclose(mine, caffes, rtol=0, atol=(2e-5 + 10 * sens) * largest)


def test_trajectory(case: Case, tmp_path: Path) -> None:
    golden = case.golden
    solver, recorder = start(tmp_path)
    solver.net.copy_from("init.caffemodel")
    for iterations in (1, HALF, END):
        solver.step(iterations - solver.iter)
        check_weights(solver, golden, f"iter{iterations}", float(golden[f"sens_iter{iterations}"]))
    tolerance = 2e-5 + 10 * float(np.max(golden["sens_loss"]))
    np.testing.assert_allclose(recorder.losses, golden["loss"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(recorder.rates, golden["lr"], rtol=1e-6)
    for iteration in (HALF, END):
        mine = read_snapshot(tmp_path / case.caffe_snapshot(iteration).name)
        caffes = read_state(case.caffe_snapshot(iteration))
        assert (mine.state.iteration, mine.state.current_step) == (iteration, caffes.current_step)
        check_history(mine.state.history, caffes.history, float(golden[f"sens_iter{iteration}"]))


def test_resumes_caffes_snapshot(case: Case, tmp_path: Path) -> None:
    golden = case.golden
    solver, recorder = start(tmp_path)
    solver.restore(case.caffe_snapshot(HALF))
    assert solver.iter == HALF
    solver.step(END - HALF)
    sens = float(golden["sens_iter30"])
    check_weights(solver, golden, "resumed30", sens)
    tolerance = 2e-5 + 10 * float(np.max(golden["sens_loss"]))
    np.testing.assert_allclose(recorder.losses, golden["resumed_loss"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(recorder.rates, golden["resumed_lr"], rtol=1e-6)


def test_model_holds_what_caffes_does(case: Case, tmp_path: Path) -> None:
    solver, _ = start(tmp_path)
    solver.restore(case.caffe_snapshot(END))
    mine = read_model(tmp_path / solver.snapshot().name.replace("solverstate", "caffemodel"))
    name = case.caffe_snapshot(END).name.replace("solverstate", "caffemodel")
    caffes = read_model(case.folder / name)
    assert list(mine.params) == list(caffes.params)
    for layer, arrays in caffes.params.items():
        for array, other in zip(arrays, mine.params[layer], strict=True):
            assert (array is None) == (other is None)
            if array is not None:
                np.testing.assert_array_equal(array, other)
