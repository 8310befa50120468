"""`demitasse init`: every starter trains at once, and nothing is overwritten."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.caffe.io import array_to_datum
from engine.data.array_file import read_array
from engine.spec import read_solver
from tests.harness.places import ROOT
from tools import cli
from tools.commands import init, train
from tools.editor.schema import schema_text

KINDS = ["autoencoder", "cifar", "lenet", "lstm", "mlp", "resnet"]
SMALL = ("solver.max_iter=2", "solver.test_interval=2", "solver.test_iter=1", "vars.batch=10")
FEW = [word for setting in SMALL for word in ("--set", setting)]


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_kinds() -> None:
    assert init.kinds() == KINDS


@pytest.mark.parametrize("kind", KINDS)
def test_trains_at_once(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", kind]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{kind}.yaml written: train --config {kind}.yaml",
        f"demitasse.schema.json written: editors complete and check {kind}.yaml by it",
    ]
    assert train.main(["--config", f"{kind}.yaml", *FEW]) == 0
    assert "Iteration 2, testing net #0:" in capsys.readouterr().out
    assert Path(f"{kind}_iter_2.caffemodel").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_is_short_and_settings_are_explained(kind: str) -> None:
    text = (ROOT / "tools" / "starters" / f"{kind}.yaml").read_text()
    assert max(map(len, text.splitlines())) <= 100
    solver = text.partition("\nsolver:\n")[2].partition("\nnet:\n")[0].splitlines()
    bare = [line.strip() for line in solver if line.strip() and "#" not in line]
    assert set(bare) <= {"gamma: 0.0001", "power: 0.75"}


def test_no_kind_is_lenet_and_files_stay(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init"]) == 0
    Path("lenet.yaml").write_text("mine")
    assert cli.main(["init", "lenet"]) == 2
    told = capsys.readouterr().err
    assert told.splitlines() == [
        "error: lenet.yaml: the file exists already",
        "  hint: --force replaces it, -o names another",
    ]
    assert Path("lenet.yaml").read_text() == "mine"
    assert cli.main(["init", "lenet", "--force"]) == 0
    assert Path("lenet.yaml").read_text() != "mine"


def test_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", "mlp", "-o", "my.yaml"]) == 0
    assert "train --config my.yaml" in Path("my.yaml").read_text()
    assert read_solver("my.yaml").param.snapshot_prefix == "mlp"
    capsys.readouterr()
    assert cli.main(["init", "mlp", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("# A multilayer perceptron")
    assert not Path("mlp.yaml").exists()


def test_commands_are_told_as_a_shell_takes_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", "mlp", "-o", "größe net.yaml"]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "train --config" in x)
    (comment,) = (x for x in Path("größe net.yaml").read_text().splitlines() if "train --" in x)
    for command in (line, comment):
        words = shlex.split(command.partition("train --config")[2])
        assert words == ["größe net.yaml"]


def test_digits_are_named_relative_inside_a_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    assert init._digits(ROOT) == "configs/mnist/digits"
    assert Path(init._digits(Path.cwd())).is_absolute()


def write_digits(kind: str, name: str, count: int) -> None:
    """So many of the bundled digits in one of the forms that starters read."""
    digits = ROOT / "configs" / "mnist" / "digits"
    images = read_array(digits / "t10k-images-idx3-ubyte.gz", None)[:count].reshape(-1, 1, 28, 28)
    labels = read_array(digits / "t10k-labels-idx1-ubyte.gz", None)[:count]
    if kind == "csv":
        rows = np.column_stack([labels, images.reshape(count, -1)])
        head = ",".join(["label", *(f"p{n}" for n in range(784))])
        np.savetxt(f"{name}.csv", rows, "%d", ",", header=head, comments="")
    elif kind == "hdf5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(f"{name}.h5", "w") as file:
            file["data"], file["label"] = images.astype(np.float32), labels.astype(np.float32)
        Path(f"{name}.txt").write_text(f"{name}.h5\n")
    elif kind == "lmdb":
        lmdb = pytest.importorskip("lmdb")
        with lmdb.open(f"{name}_lmdb", map_size=2**24) as base, base.begin(write=True) as batch:
            for at, (image, label) in enumerate(zip(images, labels, strict=True)):
                batch.put(b"%08d" % at, array_to_datum(image, int(label)).SerializeToString())
    else:
        cv2 = pytest.importorskip("cv2")
        for at, (image, label) in enumerate(zip(images, labels, strict=True)):
            Path(name, str(label)).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(f"{name}/{label}/{at}.png", image[0])


@pytest.mark.parametrize("kind", ["autoencoder", "lenet", "lstm"])
@pytest.mark.parametrize("source", init.sources())
def test_trains_on_data_of_ones_own(
    kind: str, source: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["init", kind, "--data", source]) == 0
    assert "with your data in place, train --config" in capsys.readouterr().out
    text = Path(f"{kind}.yaml").read_text()
    assert "@" not in text and "\n  digits:" not in text and "${digits}" not in text
    assert max(map(len, text.splitlines())) <= 100
    write_digits(source, "train", 60)
    write_digits(source, "test", 100)
    assert train.main(["--config", f"{kind}.yaml", *FEW]) == 0
    assert "Iteration 2, testing net #0:" in capsys.readouterr().out


def test_editors_find_the_schema() -> None:
    assert cli.main(["init", "mlp"]) == 0
    line = "# yaml-language-server: $schema=demitasse.schema.json"
    assert line in Path("mlp.yaml").read_text().splitlines()
    assert Path("demitasse.schema.json").read_text() == schema_text()
    assert init._schema(ROOT / "configs" / "mnist") == "../demitasse.schema.json"


def test_digits_that_are_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(init, "_ROOT", tmp_path / "site-packages")
    assert cli.main(["init", "mlp"]) == 0
    assert "not installed here: demitasse get mnist -o digits\n" in capsys.readouterr().out
    shutil.copytree(ROOT / "configs" / "mnist" / "digits", "digits")  # as get does
    assert train.main(["--config", "mlp.yaml", *FEW]) == 0
    assert cli.main(["init", "mlp", "--force"]) == 0
    assert "not installed" not in capsys.readouterr().out


def test_unknown_kind(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main(["init", "transformer"])
    assert leaving.value.code == 2
    assert "invalid choice: 'transformer'" in capsys.readouterr().err


def test_unwritable(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["init", "mlp", "-o", "no/such/mlp.yaml"]) == 2
    assert "check that the folder exists" in capsys.readouterr().err
