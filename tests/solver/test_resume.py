"""Resuming: bit for bit, and never from a file that is not whole."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from engine import DemitasseError, Listener, Net, SnapshotError, Solver
from engine.snapshot.store import find_newest, read_snapshot

NET = """
name: "tiny"
layer {{
  name: "data" type: "ArrayData" top: "data" top: "label"
  array_data_param {{
    source: "{folder}/x.npy" label_source: "{folder}/y.npy" batch_size: 4 shuffle: true seed: 3
  }}
}}
layer {{
  name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
  inner_product_param {{ num_output: 6 weight_filler {{ type: "xavier" }} }}
}}
layer {{ name: "drop" type: "Dropout" bottom: "ip1" top: "ip1" }}
layer {{
  name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
  inner_product_param {{ num_output: 3 weight_filler {{ type: "gaussian" std: 0.1 }} }}
}}
layer {{ name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }}
"""

SOLVER = """
net: "{folder}/net.prototxt" test_iter: 2 test_interval: 3
base_lr: 0.05 lr_policy: "step" gamma: 0.5 stepsize: 4 momentum: 0.9 weight_decay: 0.01
max_iter: 9 average_loss: 3 random_seed: 11 {extra} snapshot_prefix: "{folder}/snap"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(10, 5)).astype(np.float32))
    np.save(tmp_path / "y.npy", rng.integers(0, 3, 10).astype(np.float32))
    (tmp_path / "net.prototxt").write_text(NET.format(folder=tmp_path))
    return tmp_path


class Losses(Listener):
    def __init__(self) -> None:
        self.seen: list[float] = []

    def stepped(self, step: object) -> None:
        self.seen.append(step.loss)  # type: ignore[attr-defined]


def make(folder: Path, extra: str = "") -> Solver:
    path = folder / "solver.prototxt"
    path.write_text(SOLVER.format(folder=folder, extra=extra))
    return Solver(path, listener=Losses())


def final(solver: Solver) -> tuple[bytes, list[bytes], list[float]]:
    solver.step(9 - solver.iter)
    return (
        solver.net.arena.data.tobytes(),
        [slot.tobytes() for slot in solver.optimizer.state],
        solver.listener.seen,  # type: ignore[attr-defined]
    )


@pytest.mark.parametrize("extra", ["", "iter_size: 2", 'type: "Adam" clip_gradients: 0.5'])
def test_resume_is_exact_at_every_iteration(folder: Path, extra: str) -> None:
    if "Adam" in extra:
        extra += " delta: 1e-6"
    weights, history, losses = final(make(folder, extra))
    for iteration in range(1, 9):
        first = make(folder, extra)
        first.step(iteration)
        path = first.snapshot()
        second = make(folder, extra)
        second.restore(path)
        resumed = final(second)
        assert resumed == (weights, history, losses[iteration:]), f"resumed at {iteration}"


def test_what_a_resume_needs(folder: Path) -> None:
    """Leaving out the progress (random state, data position) changes the result."""
    weights, _, _ = final(make(folder))
    first = make(folder)
    first.step(4)
    snapshot = read_snapshot(first.snapshot())
    del snapshot.state.progress.net[0].layer[:]
    second = make(folder)
    second._restore(snapshot)
    assert final(second)[0] != weights


def test_resume_after_a_move(folder: Path) -> None:
    solver = make(folder)
    solver.step(2)
    path = solver.snapshot()
    moved = folder / "elsewhere"
    moved.mkdir()
    for file in folder.glob("snap_iter_2.*"):
        file.rename(moved / file.name)
    other = make(folder)
    other.restore(moved / path.name)
    assert other.iter == 2


def test_newest_good_one_is_taken(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    solver = make(folder)
    paths = []
    for _ in range(3):
        solver.step(1)
        paths.append(solver.snapshot())
    paths[2].write_bytes(paths[2].read_bytes()[:-7])
    model = paths[1].with_suffix(".caffemodel")
    raw = model.read_bytes()
    model.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    newest = find_newest(str(folder / "snap"))
    assert newest is not None and newest.path == paths[0]
    assert "snap_iter_3" in caplog.text and "snap_iter_2" in caplog.text


def test_no_good_one_left_is_no_reason_to_start_over(folder: Path) -> None:
    solver = make(folder)
    solver.step(1)
    path = solver.snapshot()
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(SnapshotError, match="overwrite"):
        make(folder).restore_newest()


def test_another_solver_type_is_refused(folder: Path) -> None:
    solver = make(folder)
    solver.step(1)
    path = solver.snapshot()
    with pytest.raises(SnapshotError, match="another solver type"):
        make(folder, 'type: "Nesterov"').restore(path)


def test_a_net_without_a_loss_is_refused(folder: Path) -> None:
    text = (folder / "net.prototxt").read_text()
    (folder / "net.prototxt").write_text(text[: text.index('layer { name: "loss"')])
    with pytest.raises(DemitasseError, match="no loss"):
        make(folder)


def test_no_snapshot_yet(folder: Path) -> None:
    assert make(folder).restore_newest() is None


@pytest.mark.parametrize("kind", ["caffemodel", "solverstate"])
def test_every_cut_and_every_flip_is_noticed(folder: Path, kind: str) -> None:
    solver = make(folder)
    solver.step(1)
    state = solver.snapshot()
    path = state.with_suffix(f".{kind}")
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for cut in [*range(0, 40), *rng.integers(40, len(whole), 60), len(whole) - 1]:
        path.write_bytes(whole[:cut])
        with pytest.raises(DemitasseError):
            read_snapshot(state)
    for position in [*range(0, 24), *rng.integers(0, len(whole), 100)]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        with pytest.raises(DemitasseError):
            read_snapshot(state)


def test_a_model_is_not_a_state(folder: Path) -> None:
    solver = make(folder)
    solver.step(1)
    model = solver.snapshot().with_suffix(".caffemodel")
    with pytest.raises(SnapshotError, match="--weights"):
        solver.restore(model)
    renamed = folder / "renamed.bin"
    model.rename(renamed)
    with pytest.raises(SnapshotError, match="--weights"):
        solver.restore(renamed)


def test_another_net_is_refused_and_nothing_changes(folder: Path) -> None:
    solver = make(folder)
    solver.step(1)
    path = solver.snapshot()
    text = (folder / "net.prototxt").read_text().replace("num_output: 6", "num_output: 7")
    (folder / "net.prototxt").write_text(text)
    other = make(folder)
    before = other.net.arena.data.copy()
    with pytest.raises(SnapshotError, match="shape"):
        other.restore(path)
    np.testing.assert_array_equal(other.net.arena.data, before)
    assert other.iter == 0


def test_hdf5_snapshots_resume_exactly(folder: Path) -> None:
    pytest.importorskip("h5py")
    extra = "snapshot_format: HDF5"
    weights, history, losses = final(make(folder, extra))
    first = make(folder, extra)
    first.step(4)
    second = make(folder, extra)
    second.restore(first.snapshot())
    assert final(second) == (weights, history, losses[4:])


def test_missing_h5py_is_told_before_training(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DemitasseError, match="h5py"):
        make(folder, "snapshot_format: HDF5")


def test_failed_write_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solver = make(folder)
    solver.step(1)
    path = solver.snapshot()
    before = path.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SnapshotError, match="No space left"):
        solver.snapshot()
    assert path.read_bytes() == before
    assert not list(folder.glob(".*.tmp"))


def test_snapshot_of_a_truncated_foreign_model(folder: Path) -> None:
    """A Caffe file cut between two layers parses cleanly; the net knows that more must come."""
    from engine.schema import NetParameter

    net = make(folder).net
    net.save(folder / "whole.caffemodel")
    stored = NetParameter.FromString((folder / "whole.caffemodel").read_bytes())
    stored.ClearField("writer")
    stored.ClearField("digest")
    names = [layer.name for layer in stored.layer]
    del stored.layer[names.index("ip2") :]
    (folder / "cut.caffemodel").write_bytes(stored.SerializeToString())
    with pytest.raises(SnapshotError, match="ip2"):
        Net(folder / "net.prototxt", phase=0).copy_from(folder / "cut.caffemodel")
