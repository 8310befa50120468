"""The train command as a user meets it: what it prints, what it writes, how it fails."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.snapshot.model_file import read_model
from tests.harness.places import GOLDEN, ROOT
from tools import cli
from tools.commands import train

LENET = str(ROOT / "configs" / "mnist" / "lenet.yaml")
SMALL_BATCH = "net.layer.mnist_train.array_data_param.batch_size=8"
QUICK = ["--set", "solver.test_iter=1", "--set", SMALL_BATCH]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "snapshots").mkdir()
    return tmp_path


def steps(count: int) -> list[str]:
    return ["--set", f"solver.max_iter={count}"]


def test_trains_reports_and_snapshots(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--config", LENET, *QUICK, *steps(3)]) == 0
    out = capsys.readouterr().out
    assert "Training LeNet" in out and "accuracy = " in out
    assert "Snapshot written to snapshots/lenet_iter_3.solverstate" in out
    assert Path("snapshots/lenet_iter_3.caffemodel").is_file()


def test_yaml_and_prototxt_train_alike() -> None:
    train.main(["--config", LENET, *QUICK, *steps(2)])
    model = Path("snapshots/lenet_iter_2.caffemodel")
    first = read_model(model).params
    model.unlink()
    solver = str(ROOT / "configs" / "mnist" / "lenet_solver.prototxt")
    assert cli.main(["train", "--solver", solver, *QUICK, *steps(2)]) == 0
    second = read_model(model).params
    assert list(second) == list(first)
    for name, arrays in first.items():
        for array, other in zip(arrays, second[name], strict=True):
            np.testing.assert_array_equal(array, other)


def test_resume(capsys: pytest.CaptureFixture[str]) -> None:
    train.main(["--config", LENET, *QUICK, *steps(4)])
    whole = Path("snapshots/lenet_iter_4.caffemodel").read_bytes()
    for file in Path("snapshots").iterdir():
        file.unlink()
    train.main(["--config", LENET, *QUICK, *steps(2)])
    assert train.main(["--config", LENET, *QUICK, *steps(4), "--resume", "auto"]) == 0
    assert (
        "Resuming from snapshots/lenet_iter_2.solverstate at iteration 2" in capsys.readouterr().out
    )
    assert Path("snapshots/lenet_iter_4.caffemodel").read_bytes() == whole
    assert train.main(["--config", LENET, *QUICK, *steps(4), "--resume", "auto"]) == 0
    assert "nothing left to train" in capsys.readouterr().err


def test_resume_auto_without_snapshots(capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--config", LENET, *QUICK, *steps(1), "--resume", "auto"]) == 0
    assert "from the beginning" in capsys.readouterr().out


def test_weights_are_reported_layer_by_layer(capsys: pytest.CaptureFixture[str]) -> None:
    train.main(["--config", LENET, *QUICK, *steps(1)])
    new_head = ["--set", "net.layer.ip2.inner_product_param.num_output=11"]
    new_name = ["--set", "net.layer.ip1.name=ip1_new"]
    weights = ["--weights", "snapshots/lenet_iter_1.caffemodel"]
    assert train.main(["--config", LENET, *QUICK, *steps(1), *new_head, *new_name, *weights]) == 0
    out = capsys.readouterr().out
    assert "conv1: copied" in out
    assert re.search(r"ip2: DID NOT FIT.*\(10, 500\).*\(11, 500\)", out)
    assert "ip1_new: missing" in out and "ip1: only in the file" in out


def test_gpu_is_noted_and_training_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["-gpu", "0", "--set", "solver.solver_mode=GPU"]
    assert train.main(["--config", LENET, *QUICK, *steps(1), *options]) == 0
    err = capsys.readouterr().err
    assert err.count("on the CPU") == 1


FAILURES = {
    "missing": (["--config", "nope.yaml"], "nope.yaml"),
    "empty": (["--config", "empty.yaml"], "empty"),
    "garbage": (["--config", "garbage.prototxt"], "garbage.prototxt"),
    "misspelt": (["--config", "misspelt.prototxt"], 'misspelt.prototxt:2:1.*\n.*"base_lr"'),
    "duplicate key": (["--config", "twice.yaml"], "twice.yaml:3:3"),
    "model as config": (["--config", "x.caffemodel"], "x.caffemodel"),
    "unknown setting": (["--config", LENET, "--set", "solver.bse_lr=1"], 'did you mean "base_lr"'),
    "wrong type": (["--config", LENET, "--set", "solver.max_iter=many"], "max_iter"),
    "no such layer": (["--config", LENET, "--set", "net.layer.conv7.name=x"], "conv7"),
    "model to resume": (["--config", LENET, "--resume", "x.caffemodel"], "--weights x.caffemodel"),
    "no state": (["--config", LENET, "--resume", "none.solverstate"], "none.solverstate"),
    "cut model": (["--config", LENET, "--weights", "cut.caffemodel"], "cut"),
    "cut at a layer": (["--config", LENET, "--weights", "short.caffemodel"], "ip2"),
    "other model": (["--config", LENET, "--weights", "x.caffemodel"], "no layer of this net"),
    "state for weights": (
        ["--config", LENET, "--weights", "x.solverstate"],
        "not a model.*\n.*--resume x.solverstate",
    ),
    "no weights": (["--config", LENET, "--weights", ","], "names no file"),
    "both": (["--config", LENET, "--resume", "auto", "--weights", "x.caffemodel"], "exclude"),
    "empty variable": (["--config", LENET, "--resume", ""], "names no file"),
    "no folder": (["--config", LENET, "--set", "solver.snapshot_prefix=no/x"], "mkdir -p no"),
    "missing data": (
        ["--config", LENET, "--set", "net.layer.mnist_train.array_data_param.source=no.npy"],
        r"no\.npy",
    ),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    make_broken_files()
    arguments, words = FAILURES[name]
    assert train.main([*arguments, *steps(1)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and "Traceback" not in err
    assert re.search(words, err), err


def make_broken_files() -> None:
    Path("empty.yaml").write_text("")
    Path("garbage.prototxt").write_bytes(bytes(range(256)))
    Path("misspelt.prototxt").write_text('net: "n.prototxt"\nbase_lrr: 0.1\n')
    Path("twice.yaml").write_text("solver:\n  base_lr: 1\n  base_lr: 2\n")
    Path("x.solverstate").write_bytes(b"\0")
    shutil.copy(GOLDEN / "solvers" / "sgd_l2" / "init.caffemodel", "x.caffemodel")
    train.main(["--config", LENET, *QUICK, *steps(1)])
    raw = Path("snapshots/lenet_iter_1.caffemodel").read_bytes()
    Path("cut.caffemodel").write_bytes(raw[: len(raw) // 2])
    Path("short.caffemodel").write_bytes(foreign_until("ip2", raw))


def foreign_until(layer: str, raw: bytes) -> bytes:
    """A model as another program would have written it, cut right before a layer."""
    from engine.schema import NetParameter

    net = NetParameter.FromString(raw)
    net.ClearField("writer")
    net.ClearField("digest")
    del net.layer[[stored.name for stored in net.layer].index(layer) :]
    return net.SerializeToString()


def test_help_names_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        train.main(["--help"])
    assert leaving.value.code == 0
    out = capsys.readouterr().out
    assert all(option in out for option in ("--config", "--resume", "--weights", "--set"))


def test_wrong_usage_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        train.main([])
    assert leaving.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["net.yaml"], "no config is given: --config FILE is required; write --config net.yaml"),
        (["--config", "a.yaml", "b.yaml"], "unrecognized arguments: b.yaml"),
        ([], "no config is given: --config FILE is required"),
    ],
)
def test_a_config_without_its_option(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as leaving:
        train.main(arguments)
    assert leaving.value.code == 2
    assert capsys.readouterr().err.endswith(f"train: error: {words}\n")
