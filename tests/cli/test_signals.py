"""Signals and the time limit, on a training process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import DemitasseError, Listener, Solver
from engine.snapshot.store import read_snapshot
from engine.solver.interrupts import Interrupts
from tests.harness.places import ROOT
from tests.harness.tiny_run import SOLVER, write_data
from tools.commands import train
from tools.options.durations import parse_duration

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs signals")

SETTINGS = 'max_iter: 10000000 display: 1000 lr_policy: "fixed" momentum: 0.9 '


class Run:
    """A training process that has begun to train."""

    def __init__(self, folder: Path, *options: str, settings: str = SETTINGS):
        self.folder = folder
        write_data(folder)
        (folder / "solver.prototxt").write_text(SOLVER.format(folder=folder) + settings)
        command = [
            sys.executable,
            "-m",
            "tools.commands.train",
            "--solver",
            "solver.prototxt",
            *options,
        ]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def wait_for(self, event: str, count: int = 1) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            if [entry["event"] for entry in self.events()].count(event) >= count:
                return
            time.sleep(0.01)
        raise AssertionError(f"no {event}: {self.process.communicate()}")

    def events(self) -> list[dict[str, Any]]:
        log = self.folder / "snap_log.jsonl"
        lines = log.read_text().splitlines(True) if log.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    runs: list[Run] = []

    def begin(*options: str, settings: str = SETTINGS) -> Run:
        runs.append(Run(tmp_path, *options, settings=settings))
        return runs[-1]

    yield begin
    for run in runs:
        run.process.kill()
        run.process.communicate()


def saved_iteration(folder: Path) -> int:
    (state,) = folder.glob("snap_iter_*.solverstate")
    return read_snapshot(state).state.iteration


@pytest.mark.parametrize("name, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_saves_and_ends(start: Any, tmp_path: Path, name: str, code: int) -> None:
    # No snapshot was asked for, and yet nothing is lost.
    run = start(settings=SETTINGS + "snapshot_after_train: false ")
    run.wait_for("display", 2)
    run.process.send_signal(getattr(signal, name))
    returned, out, err = run.end()
    assert returned == code
    assert f"{name}: finishing the iteration and saving" in err and "Traceback" not in err
    iteration = saved_iteration(tmp_path)
    assert f"Ended by {name} at iteration {iteration}; `--resume auto` goes on" in out
    assert run.events()[-1]["event"] == "end" and run.events()[-1]["reason"] == name


def test_a_second_one_leaves_at_once(start: Any, tmp_path: Path) -> None:
    # A test of a million batches: the iteration after it is far away.
    settings = SETTINGS + "test_iter: 1000000 test_interval: 1 "
    run = start(settings=settings)
    run.wait_for("run")
    time.sleep(0.2)
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert run.process.poll() is None
    run.process.send_signal(signal.SIGTERM)
    returned, _, err = run.end()
    assert returned == 143 and "leaving at once" in err
    assert not list(tmp_path.glob("snap_iter_*"))


def test_hang_up_saves_and_goes_on(start: Any, tmp_path: Path) -> None:
    run = start()
    run.wait_for("display", 2)
    run.process.send_signal(signal.SIGHUP)
    run.wait_for("snapshot")
    count = len(run.events())
    run.wait_for("display", count)
    assert run.process.poll() is None
    assert saved_iteration(tmp_path) > 1000


def test_caffes_effects(start: Any, tmp_path: Path) -> None:
    run = start("-sigint_effect", "none", "--sighup_effect=stop")
    run.wait_for("display", 2)
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert run.process.poll() is None and not list(tmp_path.glob("snap_iter_*"))
    run.process.send_signal(signal.SIGHUP)
    assert run.end()[0] == 129
    assert saved_iteration(tmp_path) > 1000


def test_sigint_may_save_only(start: Any, tmp_path: Path) -> None:
    run = start("--sigint_effect", "snapshot")
    run.wait_for("display", 2)
    run.process.send_signal(signal.SIGINT)
    run.wait_for("snapshot")
    assert run.process.poll() is None


def test_unknown_effect(start: Any) -> None:
    returned, _, err = start("--sigint_effect", "explode").end()
    assert returned == 2 and "explode" in err


def test_time_limit(start: Any, tmp_path: Path) -> None:
    began = time.monotonic()
    returned, out, _ = start("--time-limit", "4s").end()
    assert returned == 0 and time.monotonic() - began < 10
    iteration = saved_iteration(tmp_path)
    assert f"Ended by the time limit at iteration {iteration}" in out
    log = [json.loads(line) for line in (tmp_path / "snap_log.jsonl").read_text().splitlines()]
    assert log[-1]["reason"] == "the time limit" and 1 < log[-1]["seconds"] < 4


@pytest.mark.parametrize("text, training", [("2h", 7199), ("4s", 3), ("1s", 0.75)])
def test_a_time_limit_is_that_of_the_process(text: str, training: float) -> None:
    """Python's start and end fall into it, too."""
    before = time.monotonic()
    deadline = train._deadline(text)
    assert deadline is not None
    assert before <= deadline - training <= time.monotonic()


def test_an_interrupted_run_goes_on_bit_for_bit(start: Any, tmp_path: Path) -> None:
    settings = 'max_iter: 4000 display: 500 lr_policy: "fixed" momentum: 0.9 '
    run = start(settings=settings)
    run.wait_for("display", 2)
    run.process.send_signal(signal.SIGTERM)
    assert run.end()[0] == 143
    assert 500 < saved_iteration(tmp_path) < 4000
    assert start("--resume", "auto", settings=settings).end()[0] == 0
    last = [tmp_path / f"snap_iter_4000.{kind}" for kind in ("caffemodel", "solverstate")]
    resumed = [path.read_bytes() for path in last]
    for path in tmp_path.glob("snap_*"):
        path.unlink()
    assert start(settings=settings).end()[0] == 0
    assert [path.read_bytes() for path in last] == resumed


def test_a_solver_takes_no_signals_unasked(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "solver.prototxt").write_text(SOLVER.format(folder=tmp_path) + SETTINGS)
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    solver = Solver(tmp_path / "solver.prototxt", listener=Listener())
    solver.step(2)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    with Interrupts(solver, {signal.SIGTERM: "stop"}) as interrupts:
        assert signal.getsignal(signal.SIGINT) == before[0]
        os.kill(os.getpid(), signal.SIGTERM)
        solver.step(100)
    assert interrupts.exit_code == 143 and solver.iter == 3
    assert saved_iteration(tmp_path) == 3
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


LENGTHS = {
    "90": 90, "90s": 90, "30m": 1800, "2h": 7200, "1d": 86400, "1h30m": 5400, "1:30:00": 5400,
    "02:30": 150, "1.5h": 5400, "0.5s": 0.5, " 2H ": 7200,
}  # fmt: skip


@pytest.mark.parametrize("text", LENGTHS)
def test_lengths_of_time(text: str) -> None:
    assert parse_duration(text) == LENGTHS[text]


@pytest.mark.parametrize("text", ["", "0", "-5", "2 weeks", "1:2:3:4", "h", "nan", "inf", "1e3"])
def test_no_lengths_of_time(text: str) -> None:
    with pytest.raises(DemitasseError, match="not a length of time"):
        parse_duration(text)


def test_help_tells(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--help"])
    out = re.sub(r"\s+", " ", capsys.readouterr().out)
    assert "--time-limit TIME" in out and "--sigint_effect" in out
