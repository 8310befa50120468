"""`demitasse show`: the resolved config, and where each value came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.spec import read_net, read_solver
from tests.harness.places import ROOT
from tools import cli

CONFIG = """\
vars: {n: 4}
blocks:
  pair:
    params: [n]
    layer:
    - {name: ip, type: InnerProduct, inner_product_param: {num_output: "${n}"}}
solver: {base_lr: 0.1, max_iter: 5}
net:
  name: small
  layer:
  - {name: d, type: DummyData}
  - {block: pair, name: a, n: "${2 * n}"}
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(CONFIG)
    return tmp_path


def show(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.main(["show", *arguments]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    return told.out


def test_yaml(capsys: pytest.CaptureFixture[str]) -> None:
    assert show(capsys, "c.yaml", "--set", "solver.base_lr=0.5") == (
        "solver:\n  base_lr: 0.5\n  max_iter: 5\n\nnet:\n  name: small\n  layer:\n"
        "  - name: d\n    type: DummyData\n    top: d\n"
        "  - name: a/ip\n    type: InnerProduct\n    bottom: d\n    top: a/ip\n"
        "    inner_product_param:\n      num_output: 8\n"
    )


def test_prototxt_reads_back(capsys: pytest.CaptureFixture[str]) -> None:
    Path("d.prototxt").write_text(show(capsys, "c.yaml", "--format", "prototxt"))
    shown, written = read_solver("d.prototxt"), read_solver("c.yaml")
    assert written.net is not None
    assert shown.param.net_param == written.net.param
    assert shown.param.base_lr == written.param.base_lr


def test_origin(capsys: pytest.CaptureFixture[str]) -> None:
    settings = ["--set", "net.layer.d.name=e", "--set", "solver.max_iter=9", "--set", "vars.n=3"]
    lines = show(capsys, "c.yaml", "--origin", *settings).splitlines()
    used = 'block "pair" used at c.yaml:12:5'
    for line in (
        "  base_lr: 0.1  # c.yaml:7:10",
        "  max_iter: 9  # --set solver.max_iter=9",
        "  name: small  # c.yaml:9:3",
        "  - name: e  # --set net.layer.d.name=e",
        f"  - name: a/ip  # c.yaml:6:8 ({used})",
        f"      num_output: 6  # c.yaml:6:60 (${{n}} set at c.yaml:12:31, {used})",
    ):
        assert line in lines


def test_origin_is_comments_only(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("yaml", "prototxt"):
        file = Path(f"with.{form}")
        file.write_text(show(capsys, "c.yaml", "--origin", "--format", form))
        plain = Path(f"without.{form}")
        plain.write_text(show(capsys, "c.yaml", "--format", form))
        assert read_solver(file).param == read_solver(plain).param


def test_shown_configs_are_the_same_configs(capsys: pytest.CaptureFixture[str]) -> None:
    shown_solvers = 0
    for file in sorted((ROOT / "configs").glob("*/*.yaml")):
        text = file.read_text()
        if "\nnet:" not in text and "\nlayer:" not in text:
            continue  # a part that others include
        Path("shown.yaml").write_text(show(capsys, str(file)))
        if "solver:" not in text:
            assert read_net("shown.yaml").param == read_net(file).param
            continue
        shown, written = read_solver("shown.yaml"), read_solver(file)
        assert shown.param == written.param
        assert shown.net is not None and written.net is not None
        assert shown.net.param == written.net.param
        shown_solvers += 1
    assert shown_solvers >= 5


def test_bare_net_and_upgrade(capsys: pytest.CaptureFixture[str]) -> None:
    Path("v1.prototxt").write_text('layers { name: "r" type: RELU bottom: "a" top: "b" }\n')
    assert cli.main(["show", "v1.prototxt", "--origin"]) == 0
    told = capsys.readouterr()
    assert told.err == "v1.prototxt: 1 V1 layers (layers) became layer entries\n"
    assert told.out.splitlines()[0] == "layer:"
    assert "  type: ReLU  # v1.prototxt:1:" in told.out
    Path("shown.yaml").write_text(told.out)
    assert read_net("shown.yaml").param.layer[0].type == "ReLU"


def test_failures(capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.yaml").write_text("layer:\n- {block: none}\n")
    assert cli.main(["show", "bad.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith('error: bad.yaml:2:11: unknown block "none"')
    assert cli.main(["show", "c.yaml", "--set", "solver.bse_lr=1"]) == 2
    assert 'did you mean "base_lr"?' in capsys.readouterr().err
    assert cli.main(["show", "nope.yaml"]) == 2
    assert 'no such file: "nope.yaml"' in capsys.readouterr().err
    with pytest.raises(SystemExit) as leaving:
        cli.main(["show"])
    assert leaving.value.code == 2


@pytest.mark.parametrize("command", ["convert", "init", "show", "upgrade"])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        cli.main([command, "--help"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: demitasse {command} ")
