"""keep_last deletes older snapshots: ours, and only when the new one is safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import SnapshotError
from engine.snapshot.store import read_snapshot
from engine.solver.old_snapshots import delete_older
from tests.harness.tiny_run import TESTED, make

SETTINGS = 'lr_policy: "fixed" max_iter: 6 snapshot: 1 ema_decay: 0.5 keep_last: 2 '


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*snap*")}


def trio(*iterations: int, ending: str = "") -> set[str]:
    kinds = ("caffemodel", "ema.caffemodel", "solverstate")
    return {f"snap_iter_{n}.{kind}{ending}" for n in iterations for kind in kinds}


@pytest.mark.parametrize("form", ["BINARYPROTO", "HDF5"])
def test_the_newest_stay(tiny: Path, form: str) -> None:
    if form == "HDF5":
        pytest.importorskip("h5py")
    make(tiny, SETTINGS + f"snapshot_format: {form}").solve()
    assert names(tiny) == trio(5, 6, ending=".h5" if form == "HDF5" else "")
    for state in tiny.glob("*.solverstate*"):
        read_snapshot(state)


def test_all_stay_by_default(tiny: Path) -> None:
    make(tiny, SETTINGS.replace("keep_last: 2", "")).solve()
    assert names(tiny) == trio(1, 2, 3, 4, 5, 6)


OTHERS = [
    "snap_best.caffemodel",  # the best model is no snapshot
    "snap_iter_1.caffemodel",  # weights alone: somebody's, not half of a pair
    "snap_iter_02.caffemodel",
    "snap_iter_02.solverstate",  # we write no leading zeros
    "snap_iter_2.solverstate.bak",
    "othersnap_iter_2.caffemodel",
    "othersnap_iter_2.solverstate",
    "snap_b_iter_2.caffemodel",
    "snap_b_iter_2.solverstate",
    "snap_iter_90.caffemodel",
    "snap_iter_90.solverstate",  # of a longer run, before this one
]


def test_what_is_not_ours_stays(tiny: Path) -> None:
    for name in OTHERS:
        (tiny / name).touch()
    solver = make(tiny, SETTINGS.replace("snapshot: 1", ""))
    for iteration in (2, 3, 4):
        solver.step(iteration - solver.iter)
        solver.snapshot()
    assert names(tiny) == {*OTHERS, *trio(3, 4)}


def test_nothing_goes_before_the_new_one_is_written(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    solver = make(tiny, SETTINGS)
    solver.step(3)
    assert names(tiny) == trio(2, 3)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SnapshotError):
        solver.step(1)
    assert names(tiny) == trio(2, 3)


def test_a_file_that_cannot_go_is_said(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    solver = make(tiny, SETTINGS)
    solver.step(2)

    def refuse(*args: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    solver.step(1)
    assert "cannot delete the old snapshot" in caplog.text
    assert names(tiny) == trio(1, 2, 3)


def test_a_prefix_is_no_pattern(tmp_path: Path) -> None:
    for name in ("a.b", "axb"):
        for iteration in (1, 2):
            for kind in ("caffemodel", "solverstate"):
                (tmp_path / f"{name}_iter_{iteration}.{kind}").touch()
    gone = delete_older(str(tmp_path / "a.b"), 2, 1)
    assert [path.name for path in gone] == ["a.b_iter_1.solverstate", "a.b_iter_1.caffemodel"]
    assert (tmp_path / "axb_iter_1.solverstate").exists()


def test_it_goes_with_the_best_model(tiny: Path) -> None:
    make(tiny, TESTED + 'snapshot: 1 keep_last: 1 monitor: "loss" keep_best: true').solve()
    assert names(tiny) == {
        "snap_best.caffemodel",
        "snap_iter_9.caffemodel",
        "snap_iter_9.solverstate",
    }
