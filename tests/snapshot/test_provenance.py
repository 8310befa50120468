"""What has changed since a snapshot is told, and stops nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine import Solver
from engine.schema import SolverParameter
from engine.snapshot.config_diff import differences
from engine.snapshot.store import read_snapshot
from engine.solver.config import config_yaml, resolve
from engine.spec import parse_solver, read_solver
from tests.harness.tiny_run import TESTED, make


def resumed(tiny: Path, settings: str, state: Path, caplog: pytest.LogCaptureFixture) -> list[str]:
    solver = make(tiny, settings)
    caplog.clear()
    solver.restore(state)
    assert solver.iter == 3
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def state(tiny: Path) -> Path:
    solver = make(tiny, TESTED)
    solver.step(3)
    return solver.snapshot()


def test_what_is_kept(state: Path) -> None:
    progress = read_snapshot(state).state.progress
    assert progress is not None
    assert len(progress.config_digest) == 64 and progress.threads >= 1
    assert "NumPy" in progress.versions and "demitasse" in progress.versions
    (data,) = progress.data_fingerprint
    assert data.startswith("train: 10 samples of 5 1, source 328 bytes ")
    assert progress.config.net_param.layer[0].name == "train"


def test_nothing_changed(tiny: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert resumed(tiny, TESTED, state, caplog) == []


def test_the_config_changed(tiny: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (tiny / "net.prototxt").read_text()
    (tiny / "net.prototxt").write_text(text.replace("std: 0.1", "std: 0.2"))
    lines = resumed(tiny, TESTED.replace("momentum: 0.9", "momentum: 0.8"), state, caplog)
    assert "since the snapshot, the config has changed: momentum: 0.9 -> 0.8" in lines
    std = "net_param.layer.ip2.inner_product_param.weight_filler.std: 0.1 -> 0.2"
    assert f"since the snapshot, the config has changed: {std}" in lines
    assert len(lines) == 2


def test_the_data_changed(tiny: Path, state: Path, caplog: pytest.LogCaptureFixture) -> None:
    values = np.load(tiny / "x.npy")
    values[0, 0] += 1
    np.save(tiny / "x.npy", values)
    (line,) = resumed(tiny, TESTED, state, caplog)
    assert line.startswith('since the snapshot, the data of layer "train" has changed: 10 samples')


def test_versions_and_threads_changed(
    tiny: Path, state: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.snapshot.provenance.thread_count", lambda: 1234)
    monkeypatch.setattr("platform.python_version", lambda: "3.99")
    versions, threads = resumed(tiny, TESTED, state, caplog)
    assert "versions have changed: Python 3." in versions and "-> Python 3.99" in versions
    assert "number of threads has changed" in threads and "-> 1234" in threads


def test_differences_name_what_was_added_and_removed() -> None:
    old = parse_solver('net_param { layer { name: "a" type: "ReLU" } } test_iter: 1').param
    new = parse_solver('net_param { layer { name: "b" type: "ReLU" } } test_iter: 2').param
    assert list(differences(old, new)) == [
        "net_param.layer.a: removed",
        "net_param.layer.b: added",
        "test_iter: [1] -> [2]",
    ]


def test_a_default_written_out_is_no_difference() -> None:
    written = parse_solver('iter_size: 1 type: "SGD"').param
    assert list(differences(SolverParameter(), written)) == []


def test_the_config_that_is_written_repeats_the_run(tiny: Path) -> None:
    settings = TESTED.replace("random_seed", "")
    first = make(tiny, settings)
    first.step(4)
    path = tiny / "again.yaml"
    path.write_text(config_yaml(first.provenance.config, first.seed))
    again = Solver(path)
    again.step(4)
    assert again.net.arena.data.tobytes() == first.net.arena.data.tobytes()
    config = resolve(read_solver(path))
    assert list(differences(first.provenance.config, config)) == []
