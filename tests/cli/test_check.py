"""`demitasse check`: exit codes, what goes to which stream, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.check import RULES
from tests.harness.places import ROOT
from tools import cli

GOOD = """\
solver: {base_lr: 0.1, lr_policy: fixed, max_iter: 10, snapshot_after_train: false}
net:
  name: small
  layer:
    - {name: data, type: DummyData, top: [data, label],
       dummy_data_param: {shape: [{dim: [8, 4]}, {dim: 8}]}}
    - {name: score, type: InnerProduct, bottom: data, inner_product_param: {num_output: 3}}
    - {name: loss, type: SoftmaxWithLoss, bottom: [score, label]}
"""
WARNED = GOOD.replace("max_iter: 10", "max_iter: 10, gamma: 0.1")
BAD = GOOD.replace("bottom: data,", "bottom: dta,")


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("good", GOOD), ("warned", WARNED), ("bad", BAD)):
        Path(f"{name}.yaml").write_text(text)


def test_good(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "good.yaml"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    lines = told.out.splitlines()
    assert (
        lines[0]
        == "small, TRAIN: 3 layers, 15 parameters, 96 multiply-adds forward, 476B of memory"
    )
    assert " ".join(lines[1].split()) == (
        "layer type top shapes parameters multiply-adds data bytes diff bytes param bytes"
    )
    assert " ".join(lines[3].split()) == "score InnerProduct 8x3 15 96 96B 96B 60B"
    assert lines[-1] == "good.yaml: no problems"


def test_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "warned.yaml"]) == 0
    told = capsys.readouterr()
    assert told.err.startswith('warning: warned.yaml:1:56: lr_policy "fixed" does not read gamma')
    assert told.err.endswith("warned.yaml: 1 warning\n")
    assert "score  InnerProduct" in told.out
    assert cli.main(["check", "--strict", "warned.yaml"]) == 2


def test_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "bad.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        'error: bad.yaml:7:7, layer "score" (InnerProduct): no layer above makes its bottom "dta" '
        '[DM201]\n  hint: did you mean "data"?\nbad.yaml: 1 error\n'
    )


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--json", "bad.yaml"]) == 2
    told = capsys.readouterr()
    assert told.err == ""
    (error,) = json.loads(told.out)["errors"]
    assert error["id"] == "DM201" and error["hint"] == 'did you mean "data"?'
    assert cli.main(["check", "--json", "good.yaml"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["errors"] == found["warnings"] == []
    (net,) = found["nets"]
    assert net["complete"] and net["state"] == "TRAIN"
    assert net["layers"][1] == {
        "name": "score",
        "type": "InnerProduct",
        "tops": {"score": [8, 3]},
        "parameters": 15,
        "multiply_adds": 96,
        "data_bytes": 96,
        "diff_bytes": 96,
        "parameter_bytes": 60,
    }


def test_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "god.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert 'no such file: "god.yaml" [DM001]' in told.err and '"good.yaml"' in told.err
    assert cli.main(["check"]) == 2
    assert "demitasse check CONFIG" in capsys.readouterr().err


def test_of_a_net_without_layers_there_is_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    Path("circle.yaml").write_text("include: circle.yaml\n")
    assert cli.main(["check", "circle.yaml"]) == 2
    told = capsys.readouterr()
    assert told.out == "" and "files include each other in a circle [DM003]" in told.err


def test_set(capsys: pytest.CaptureFixture[str]) -> None:
    setting = "net.layer.score.inner_product_param.num_output=0"
    assert cli.main(["check", "good.yaml", "--set", setting]) == 2
    assert "needs inner_product_param.num_output above 0 [DM301]" in capsys.readouterr().err


@pytest.mark.parametrize("id", RULES)
def test_explain(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--explain", id.lower()]) == 0
    told = capsys.readouterr().out
    assert told.startswith(f"{id} ({RULES[id].severity}): {RULES[id].title}\n")
    assert len(told.splitlines()[1]) > 20


def test_explain_what_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--explain", "DM999"]) == 2
    assert 'no problem has the id "DM999"' in capsys.readouterr().err


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["check", "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for option in ("CONFIG", "--set", "--stage", "--strict", "--json", "--explain", "--allow-code"):
        assert option in told


def test_train_names_the_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["train", "--config", "bad.yaml"]) == 2
    told = capsys.readouterr().err
    assert 'makes its bottom "dta" [DM201]\n  hint: did you mean "data"?\n' in told


def test_train_reports_everything_it_can_see(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.yaml").write_text(GOOD.replace("base_lr: 0.1, lr_policy: fixed", "lr_policy: setp"))
    assert cli.main(["train", "--config", "two.yaml"]) == 2
    told = capsys.readouterr().err
    assert "error: two.yaml:1:10: unknown lr_policy" in told
    assert "error: two.yaml: base_lr is missing [DM401]" in told
    assert told.endswith("2 problems\n")


def test_wide_net_stays_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", str(ROOT / "configs/imagenet/resnet50.yaml")]) == 2
    told = capsys.readouterr()
    assert "with data (32, 3, 224, 224), label (32,) in place of sources" in told.out
    assert max(map(len, told.out.splitlines())) <= 130


def test_the_command_that_makes_a_folder_fits_a_shell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (
        cli.main(
            [
                "check",
                str(ROOT / "configs/mnist/tiny.yaml"),
                "--set",
                "solver.snapshot_prefix=a b/c",
            ]
        )
        == 0
    )
    assert "(`mkdir -p 'a b'`)" in capsys.readouterr().err
