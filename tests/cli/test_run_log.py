"""PREFIX_log.jsonl and PREFIX_config.yaml."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from engine.spec import read_solver
from tests.harness.tiny_run import TESTED, make, write_data
from tools.commands import train
from tools.training.clock import TrainingClock
from tools.training.run_log import RunLog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


def run(folder: Path, *options: str, settings: str = TESTED + "display: 3 snapshot: 4") -> int:
    make(folder, settings)
    return train.main(["--solver", str(folder / "solver.prototxt"), *options])


def events(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "snap_log.jsonl").read_text().splitlines()]


def test_what_is_logged(folder: Path) -> None:
    assert run(folder, "--set", "solver.test_interval=4") == 0
    found = events(folder)
    first = found[0]
    assert first["event"] == "run" and first["seed"] == 11 and first["resumed_from"] is None
    assert "NumPy" in first["versions"] and first["threads"] >= 1 and first["command"]
    assert first["data"][0].startswith("train: 10 samples")
    names = [(entry["event"], entry["iteration"]) for entry in found[1:]]
    assert names == [
        ("test", 0), ("display", 0), ("display", 3), ("snapshot", 4), ("test", 4),
        ("display", 6), ("snapshot", 8), ("test", 8), ("snapshot", 9), ("end", 9),
    ]  # fmt: skip
    display = found[3]
    assert set(display) >= {"loss", "smoothed_loss", "lr", "outputs", "seconds", "time"}
    assert all(0 <= entry["data_wait"] <= 1 for entry in (*found[2:4], found[-1]))
    assert found[5]["scores"].keys() == {"accuracy", "loss"}
    assert found[-1]["reason"] == "max_iter"


def test_the_monitored_score_is_logged(folder: Path) -> None:
    settings = 'monitor: "loss" keep_best: true early_stop: 2 min_delta: 9'
    assert run(folder, settings=TESTED + settings) == 0
    best, stop, end = (e for e in events(folder) if e["event"] in ("best", "early_stop", "end"))
    path = str(folder / "snap_best.caffemodel")
    assert (best["iteration"], best["monitor"], best["path"]) == (0, "loss", path)
    first = next(e for e in events(folder) if e["event"] == "test")
    assert best["best"] == stop["best"] == first["scores"]["loss"]
    assert (stop["iteration"], stop["best_iteration"], stop["tests_since"]) == (2, 0, 2)
    assert end["reason"] == "early_stop"


def test_a_plateau_is_logged(folder: Path) -> None:
    plateau = 'lr_policy: "plateau" gamma: 0.5 patience: 3 min_delta: 9 monitor: "loss"'
    assert run(folder, settings=TESTED.replace('lr_policy: "fixed"', plateau)) == 0
    drops = [(e["iteration"], e["lr"]) for e in events(folder) if e["event"] == "plateau"]
    assert drops == [(at, pytest.approx(0.05 / 2 ** (at / 3))) for at in (3, 6, 9)]
    (best,) = [e for e in events(folder) if e["event"] == "best"]
    assert best["path"] is None


def test_the_config_beside_it_repeats_the_run(folder: Path) -> None:
    assert run(folder, "--set", "solver.base_lr=0.25") == 0
    text = (folder / "snap_config.yaml").read_text()
    assert "base_lr: 0.25" in text and "random_seed: 11" in text and "- name: ip1" in text
    weights = (folder / "snap_iter_9.caffemodel").read_bytes()
    assert read_solver(folder / "snap_config.yaml").net is not None
    assert train.main(["--config", str(folder / "snap_config.yaml")]) == 0
    assert (folder / "snap_iter_9.caffemodel").read_bytes() == weights


def test_a_resume_appends(folder: Path) -> None:
    assert run(folder, "--set", "solver.max_iter=4") == 0
    before = events(folder)
    with open(folder / "snap_log.jsonl", "a") as log:
        log.write('{"event": "disp')  # as a kill leaves it
    assert run(folder, "--resume", "auto") == 0
    lines = (folder / "snap_log.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines[: len(before)]] == before
    began = json.loads(lines[len(before) + 1])
    assert began["event"] == "run" and began["iteration"] == 4
    assert began["resumed_from"].endswith("snap_iter_4.solverstate")


def test_an_error_is_the_last_word(folder: Path) -> None:
    assert run(folder, "--set", "solver.base_lr=1e30") == 2
    assert events(folder)[-1]["reason"].startswith("error: ")
    assert all("NaN" not in line for line in (folder / "snap_log.jsonl").read_text().splitlines())


def test_a_full_disk_does_not_stop_training(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    solver = make(folder, TESTED)
    log = RunLog(solver, [], None, TrainingClock(solver.net))
    log._file = open("/dev/full", "w")  # noqa: SIM115
    log.tested(0, 0, {"loss": 1.0})
    log.tested(1, 0, {"loss": 1.0})
    assert caplog.text.count("the log is not kept any further: No space left") == 1
    log.ended("max_iter")


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be removed there")
def test_a_log_that_was_removed_begins_anew(folder: Path) -> None:
    solver = make(folder, TESTED)
    log = RunLog(solver, [], None, TrainingClock(solver.net))
    (folder / "snap_log.jsonl").unlink()
    log.tested(1, 0, {"loss": 1.0})
    log.ended("max_iter")
    assert [entry["event"] for entry in events(folder)] == ["test", "end"]


@pytest.mark.skipif(os.name == "nt", reason="open files cannot be removed there")
def test_a_log_whose_folder_was_removed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    solver = make(folder, TESTED)
    gone = folder / "gone"
    gone.mkdir()
    solver.prefix = str(gone / "snap")
    log = RunLog(solver, [], None, TrainingClock(solver.net))
    shutil.rmtree(gone)
    for at in range(2):
        log.tested(at, 0, {"loss": 1.0})
    assert caplog.text.count("the log is not kept any further: No such file") == 1
    assert log.path is None
    log.ended("max_iter")


def test_no_folder_no_log(folder: Path) -> None:
    settings = TESTED + "snapshot_after_train: false"
    assert run(folder, "--set", "solver.snapshot_prefix=nowhere/x", settings=settings) == 0


@pytest.mark.skipif(os.name == "nt", reason="the lock is POSIX's")
def test_two_runs_do_not_share_a_prefix(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    solver = make(folder, TESTED)
    other = RunLog(solver, ["train"], None, TrainingClock(solver.net))
    before = {path.name: path.read_bytes() for path in folder.glob("snap*")}
    assert run(folder) == 2
    err = capsys.readouterr().err
    assert "another training that is running writes to this snapshot_prefix" in err
    assert {path.name: path.read_bytes() for path in folder.glob("snap*")} == before
    assert run(folder, "--set", "solver.snapshot_prefix=" + str(folder / "snap_b")) == 0
    other.ended("max_iter")
    assert run(folder) == 0
