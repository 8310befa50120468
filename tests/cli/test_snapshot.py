"""demitasse snapshot: what it prints and how it compares."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.schema import NetParameter
from tests.harness.places import GOLDEN
from tests.harness.tiny_run import TESTED, make, write_data
from tools import cli

CAFFES = GOLDEN / "solvers" / "sgd_l2"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_data(tmp_path)
    return tmp_path


def save(folder: Path, count: int, extra: str = "", settings: str = TESTED) -> Path:
    solver = make(folder, settings + extra)
    solver.step(count)
    return solver.snapshot()


def show(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.main(["snapshot", *map(str, arguments)])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("extra", ["", "snapshot_format: HDF5"])
def test_ours(folder: Path, extra: str, capsys: pytest.CaptureFixture[str]) -> None:
    state = save(folder, 3, extra + " ema_decay: 0.5")
    code, out, _ = show(capsys, state)
    assert code == 0
    assert "by demitasse, checksum good" in out and "iteration     3\n" in out
    assert "SGD (base_lr 0.05, lr_policy fixed, momentum 0.9" in out
    assert "train net: train: 12 samples given" in out and "seed          11" in out
    assert "ip1[0]" in out and "6x5" in out and "history[3]" in out and "NumPy" in out
    assert "average" in out and "(--config prints it)" in out
    assert max(map(len, out.splitlines()[1:])) <= 100


@pytest.mark.parametrize("name", ["snap_iter_15.solverstate", "init.caffemodel"])
def test_caffes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = show(capsys, CAFFES / name)
    assert code == 0 and "by another program, without checksum" in out
    assert "conv[0]" in out and "4x1x3x3" in out and "365 values in all" in out
    assert ("exact state   none" in out) == ("solverstate" in name)


def test_a_state_without_its_model(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = save(folder, 1)
    state.with_suffix(".caffemodel").unlink()
    code, out, _ = show(capsys, state)
    assert code == 0 and "is missing" in out and "history[0]" in out


def test_equal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = save(folder, 2)
    other = folder / "other.solverstate"
    other.write_bytes(first.read_bytes())
    assert show(capsys, "--diff", first, other)[:2] == (0, "the same: 8 arrays, bit for bit\n")


def test_across_formats(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = [
        Path(str(save(folder, 2, extra)).replace("solverstate", "caffemodel"))
        for extra in ("", "snapshot_format: HDF5")
    ]
    assert show(capsys, "--diff", *models)[0] == 0


def test_different(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = save(folder, 2)
    second = save(folder, 3, settings=TESTED.replace("0.9", "0.8"))
    code, out, _ = show(capsys, first, second, "--diff")
    assert code == 1
    assert "iteration: 2 | 3" in out and "config: momentum: 0.9 -> 0.8" in out
    assert "largest difference" in out and "8 arrays differ, 0 are the same" in out


def test_other_shapes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = save(folder, 1).with_suffix(".caffemodel")
    code, out, _ = show(capsys, "--diff", model, CAFFES / "init.caffemodel")
    assert code == 1 and f"only in {model.name}" in out and "only in init.caffemodel" in out


def test_the_four_axes_of_old_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = save(folder, 1).with_suffix(".caffemodel")
    old = NetParameter.FromString(model.read_bytes())
    old.ClearField("writer")
    old.ClearField("digest")
    for layer in old.layer:
        for blob in layer.blobs:
            dims = [1, 1, 1, *blob.shape.dim][-4:]
            blob.ClearField("shape")
            blob.num, blob.channels, blob.height, blob.width = dims
    legacy = folder / "legacy.caffemodel"
    legacy.write_bytes(old.SerializeToString())
    assert show(capsys, "--diff", model, legacy)[:2] == (0, "the same: 4 arrays, bit for bit\n")
    old.layer[-2].blobs[0].data[0] += 1
    legacy.write_bytes(old.SerializeToString())
    code, out, _ = show(capsys, "--diff", legacy, model)
    assert code == 1 and "1x1x3x6 | 3x6" in out and "1 of 18" in out


def test_config(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = show(capsys, "--config", save(folder, 1))
    assert code == 0 and out.startswith("solver:\n") and "\nnet:\n" in out
    code, _, err = show(capsys, "--config", CAFFES / "snap_iter_15.solverstate")
    assert code == 2 and "holds no config" in err


def test_failures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = save(folder, 1)
    assert show(capsys, "--diff", state)[0] == 2
    assert "no such file" in show(capsys, folder / "none.caffemodel")[2]
    state.write_bytes(state.read_bytes()[:-3])
    code, _, err = show(capsys, state)
    assert code == 2 and "cut short" in err
