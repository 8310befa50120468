"""PREFIX_config.yaml repeats its run to the bit, from anywhere, and without what it was made of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from engine.schema import NetParameter
from engine.snapshot.store import read_snapshot
from engine.spec import parse_net
from engine.spec.absolute import make_absolute
from tests.harness.places import ROOT
from tools.commands import train

MAIN = """
include: parts/base.yaml
vars: {batch: 20}
solver: {base_lr: 0.05}
"""
BASE = """
vars: {batch: 64, wide: 10}
blocks:
  fc:
    params: [of]
    layer:
      - name: ip
        type: InnerProduct
        inner_product_param: {num_output: "${of}", weight_filler: {type: xavier}}
solver:
  lr_policy: fixed
  momentum: 0.9
  max_iter: 6
  test_iter: 2
  test_interval: 3
  snapshot: 3
  snapshot_prefix: runs/r
net:
  layer:
    - include: data.yaml
    - {block: fc, name: a, of: "${2 * wide}"}
    - {name: drop, type: Dropout, top: a/ip}
    - {block: fc, name: b, of: "${wide}"}
    - {name: loss, type: SoftmaxWithLoss, bottom: [b, label]}
"""
DATA = """
layer:
  - name: train
    type: ArrayData
    top: [data, label]
    include: {phase: TRAIN}
    array_data_param: &files
      source: digits/t10k-images-idx3-ubyte.gz
      label_source: digits/t10k-labels-idx1-ubyte.gz
      batch_size: ${batch}
      shuffle: true
  - {name: test, type: ArrayData, top: [data, label], include: {phase: TEST},
     array_data_param: *files}
"""
SET = ["--set", "net.layer.a/ip.inner_product_param.num_output=30", "--set", "vars.wide=11"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config of three files, the data beside it, and a place to run in."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "configs" / "mnist" / "digits", folder / "digits")
    (folder / "parts").mkdir()
    (folder / "main.yaml").write_text(MAIN)
    (folder / "parts" / "base.yaml").write_text(BASE)
    (folder / "parts" / "data.yaml").write_text(DATA)
    for place in ("here", "elsewhere"):
        (tmp_path / place / "runs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return folder


def run(*options: str) -> dict[str, list[bytes]]:
    """Trains; all numbers that the snapshots hold: parameters, then what the solver remembers."""
    assert train.main(list(options)) == 0
    found = {}
    for path in Path("runs").glob("r_iter_*.solverstate"):
        snapshot = read_snapshot(path)
        arrays = [a for stored in snapshot.model.params.values() for a in stored if a is not None]
        found[path.name] = [array.tobytes() for array in (*arrays, *snapshot.state.history)]
    return found


def test_from_another_folder_after_the_config_is_gone(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run("--config", "../project/main.yaml", *SET)
    assert sorted(first) == ["r_iter_3.solverstate", "r_iter_6.solverstate"]
    for file in ("main.yaml", "parts/base.yaml", "parts/data.yaml"):
        (project / file).unlink()
    monkeypatch.chdir("../elsewhere")
    assert run("--config", "../here/runs/r_config.yaml") == first
    # And what that run wrote is the same config again.
    written = [Path(p, "runs/r_config.yaml").read_text() for p in (".", "../here")]
    assert written[0] == written[1]


def test_what_the_config_holds(project: Path) -> None:
    run("--config", "../project/main.yaml", *SET)
    config = yaml.safe_load(Path("runs/r_config.yaml").read_text())
    assert config["solver"]["random_seed"] >= 0  # drawn, and kept
    assert config["solver"]["base_lr"] == 0.05 and config["solver"]["snapshot_prefix"] == "runs/r"
    layers = {layer["name"]: layer for layer in config["net"]["layer"]}
    assert layers["a/ip"]["inner_product_param"]["num_output"] == 30
    assert layers["b/ip"]["inner_product_param"]["num_output"] == 11
    source = Path(layers["train"]["array_data_param"]["source"])
    assert source == project / "digits" / "t10k-images-idx3-ubyte.gz"
    assert layers["train"]["array_data_param"]["batch_size"] == 20


def test_nets_in_files_of_their_own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "nets").mkdir()
    text = (project / "parts" / "base.yaml").read_text()
    (project / "nets" / "net.yaml").write_text(
        text[: text.index("solver:")]
        + text[text.index("net:\n") :].replace("data.y", "../parts/data.y")
    )
    (project / "solver.prototxt").write_text(
        'net: "nets/net.yaml" base_lr: 0.1 lr_policy: "fixed" max_iter: 6 snapshot: 3 '
        'test_iter: 1 test_interval: 5 snapshot_prefix: "runs/r" random_seed: 4'
    )
    first = run("--solver", "../project/solver.prototxt")
    shutil.rmtree(project / "nets")
    monkeypatch.chdir("../elsewhere")
    assert run("--config", "../here/runs/r_config.yaml") == first and len(first) == 2


def test_databases_and_folders_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("base/db", "base/images", "base/in", "here_db"):
        Path(folder).mkdir(parents=True)
    Path("base/mean.binaryproto").touch()
    net: NetParameter = parse_net("""
    layer { name: "a" type: "Data" data_param { source: "db" }
            transform_param { mean_file: "mean.binaryproto" } }
    layer { name: "b" type: "Data" data_param { source: "here_db" } }
    layer { name: "c" type: "ImageData"
            image_data_param { source: "none.txt" root_folder: "images/" } }
    layer { name: "d" type: "Python" python_param { module: "in" } }
    """).param
    make_absolute(net, Path("base"))
    a, b, c, d = net.layer
    assert a.data_param.source == str(tmp_path / "base" / "db")
    assert a.transform_param.mean_file == str(tmp_path / "base" / "mean.binaryproto")
    assert b.data_param.source == str(tmp_path / "here_db")
    assert c.image_data_param.root_folder == f"{tmp_path}/base/images/"
    assert c.image_data_param.source == "none.txt" and d.python_param.module == "in"
