"""The disk fails, or the machine stops, at every single call that writes a snapshot."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from engine import SnapshotError, Solver
from engine.snapshot import atomic
from engine.snapshot.store import find_newest, read_snapshot
from tests.harness.places import ROOT
from tests.harness.tiny_run import TESTED, make

FORMATS = {"binary": "", "HDF5": "snapshot_format: HDF5", "average": "ema_decay: 0.5"}
FAULTS = ["ENOSPC", "EIO", "EACCES", "ENOENT", "EROFS", "EDQUOT"]
CALLS = ("open", "write", "fsync", "replace")


class Killed(BaseException):
    """The machine stops here."""


class FaultyOs:
    """The os module, which fails at the n-th of the calls that write."""

    def __init__(self, at: int, fault: str):
        self.at, self.fault, self.calls = at, fault, 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(os, name)
        if name not in CALLS:
            return real

        def call(*arguments: Any) -> Any:
            self.calls += 1
            if self.fault == "kill" and self.calls >= self.at:
                raise Killed
            if name == "write" and self.fault.startswith("short"):
                half = arguments[1][: max(1, len(arguments[1]) // 2)]
                if self.calls == self.at and self.fault == "short, then full":
                    real(arguments[0], half)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                return real(arguments[0], half)
            if self.calls == self.at and hasattr(errno, self.fault):
                number = getattr(errno, self.fault)
                raise OSError(number, os.strerror(number))
            return real(*arguments)

        return call


@contextmanager
def faulty(at: int, fault: str) -> Iterator[FaultyOs]:
    with pytest.MonkeyPatch.context() as patch:
        proxy = FaultyOs(at, fault)
        patch.setattr(atomic, "os", proxy)
        if fault == "kill":  # nobody is left to clean up
            patch.setattr(atomic, "_unlink", lambda path: None)
        yield proxy


def extra_run(tiny: Path, extra: str) -> Solver:
    """Snapshots of iterations 1 and 2 lie there, of a run with another learning rate."""
    other = make(tiny, TESTED + extra + " snapshot_diff: true")
    for _ in range(2):
        other.step(1)
        other.net.arena.data *= 1.5
        other.snapshot()
    solver = make(tiny, TESTED + extra)
    solver.step(2)
    return solver


def check_all_good(tiny: Path) -> None:
    states = sorted(tiny.glob("snap_iter_*.solverstate*"))
    assert len(states) == 2
    for state in states:
        read_snapshot(state)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("fault", [*FAULTS, "short, then full"])
def test_every_call_fails(tiny: Path, name: str, fault: str) -> None:
    solver = extra_run(tiny, FORMATS[name])
    failed, at = 0, 0
    while True:
        at += 1
        with faulty(at, fault) as proxy:
            try:
                solver.snapshot()
            except SnapshotError as problem:
                failed += 1
                assert "cannot write" in str(problem) and "snap_" in str(problem)
        check_all_good(tiny)
        if proxy.calls < at:
            break
    assert failed >= (4 if "short" in fault else 10)
    solver.snapshot()
    check_all_good(tiny)
    assert not list(tiny.glob(".*"))


@pytest.mark.parametrize("name", FORMATS)
def test_killed_at_every_call(tiny: Path, name: str) -> None:
    solver = extra_run(tiny, FORMATS[name])
    at = 0
    while True:
        at += 1
        with faulty(at, "kill") as proxy, suppress(Killed):
            solver.snapshot()
        check_all_good(tiny)
        newest = find_newest(str(tiny / "snap"))
        assert newest is not None and newest.state.iteration == 2
        if proxy.calls < at:
            break
    assert at > 8
    solver.snapshot()
    assert not list(tiny.glob(".*"))


@pytest.mark.parametrize("name", FORMATS)
def test_short_writes_are_taken_up(tiny: Path, name: str) -> None:
    solver = extra_run(tiny, FORMATS[name])
    with faulty(10**9, "short") as proxy:
        path = solver.snapshot()
    assert proxy.calls > 20
    assert read_snapshot(path).state.iteration == 2


def test_a_pair_half_named_is_completed(tiny: Path) -> None:
    """Killed between the names of model and state: the next snapshot settles it."""
    solver = extra_run(tiny, "")
    path = solver.snapshot()
    new = path.read_bytes()
    other = make(tiny, TESTED)
    other.step(2)
    other.net.arena.data *= 2
    older = other.snapshot().read_bytes()
    model = path.with_suffix(".caffemodel")
    assert older != new
    solver.snapshot()
    pending = atomic.temporary_path(path)
    path.rename(pending)
    path.write_bytes(older)  # the model is the new one already
    assert read_snapshot(path).model.digest == read_snapshot(path).state.progress.model_digest
    solver.step(1)
    solver.snapshot()
    assert path.read_bytes() == new and model.exists() and not pending.exists()


def test_leftovers_are_cleaned_and_nothing_else(tiny: Path) -> None:
    ours = [
        ".snap_iter_7.caffemodel.tmp",
        ".snap_iter_7.solverstate.tmp",
        ".snap_iter_7.solverstate.h5.tmp",
        ".snap_iter_7.ema.caffemodel.tmp",
        ".snap_best.caffemodel.tmp",
    ]
    others = [
        "snap_iter_7.caffemodel.tmp",
        ".snap_iter_7.caffemodel",
        ".snap2_iter_7.caffemodel.tmp",
        ".snap_iter_07.caffemodel.tmp",
        ".snap_iter_x.caffemodel.tmp",
        ".snap_iter_7.txt.tmp",
        ".snap_iter_7.caffemodel.tmp~",
    ]
    for name in [*ours, *others]:
        (tiny / name).write_bytes(b"?")
    make(tiny, TESTED).snapshot()
    assert not [name for name in ours if (tiny / name).exists()]
    assert [name for name in others if (tiny / name).exists()] == others


def test_going_on_without_snapshots(tiny: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = TESTED + "snapshot: 2 snapshot_on_error: GO_ON"
    solver = make(tiny, settings)
    solver.step(2)
    kept = {path.name: path.read_bytes() for path in tiny.glob("snap_iter_2.*")}
    with faulty(1, "ENOSPC"):
        solver.step(3)
    assert solver.iter == 5
    assert "no snapshot of iteration 4, training goes on" in caplog.text
    assert "No space left on device" in caplog.text
    assert {path.name: path.read_bytes() for path in tiny.glob("snap_iter_2.*")} == kept
    solver.step(1)
    assert (tiny / "snap_iter_6.solverstate").exists()


def test_stopping_without_snapshots(tiny: Path) -> None:
    solver = make(tiny, TESTED + "snapshot: 2")
    with faulty(1, "ENOSPC"), pytest.raises(SnapshotError, match="No space left"):
        solver.step(4)


def test_the_last_snapshot_is_never_gone_on_without(tiny: Path) -> None:
    solver = make(tiny, TESTED + "snapshot_on_error: GO_ON")
    with faulty(1, "ENOSPC"), pytest.raises(SnapshotError, match="No space left"):
        solver.solve()


def test_a_vanished_folder(tiny: Path) -> None:
    gone = tiny / "gone"
    gone.mkdir()
    solver = make(tiny, TESTED)
    solver.prefix = str(gone / "x")
    gone.rmdir()
    with pytest.raises(SnapshotError, match="No such file or directory"):
        solver.snapshot()


FULL = """
import resource, sys
from engine import SnapshotError, Solver
solver = Solver(sys.argv[1])
solver.step(2)
solver.snapshot()
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
solver.step(1)
try:
    solver.snapshot()
except SnapshotError as problem:
    print(problem)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs resource limits")
def test_a_real_kernel_refuses(tiny: Path) -> None:
    """No wrapper: the system itself takes 1,000 bytes of the file and no more."""
    make(tiny, TESTED)
    command = [sys.executable, "-c", FULL, str(tiny / "solver.prototxt")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert "File too large" in done.stdout, done.stderr
    newest = find_newest(str(tiny / "snap"))
    assert newest is not None and newest.state.iteration == 2
    assert not list(tiny.glob(".*"))
