"""What TAB offers: in a process of our own, and in the shells that are here."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.places import ROOT
from tools import cli
from tools.completion.names import complete_layer, complete_topic, complete_type
from tools.completion.paths import complete_override

pytest.importorskip("argcomplete")

LENET = str(ROOT / "configs" / "mnist" / "lenet.yaml")
RESNET = str(ROOT / "configs" / "imagenet" / "resnet50.yaml")


def offered(prefix: str, config: str | None = LENET) -> list[str]:
    found = complete_override(prefix, argparse.Namespace(config=config))
    return [word for word in found if word.startswith(prefix)]


def test_roots_and_fields() -> None:
    assert offered("") == ["solver.", "net.", "vars."]
    assert offered("solver.lr") == ["solver.lr_policy="]
    assert offered("solver.test_s") == ["solver.test_state."]
    assert offered("net.lay") == ["net.layer."]


def test_layers_of_the_config() -> None:
    assert offered("net.layer.conv") == ["net.layer.conv1.", "net.layer.conv2."]
    assert offered("net.layer.conv1.conv") == ["net.layer.conv1.convolution_param."]
    assert offered("net.layer.conv1.pool") == []  # what Convolution does not read
    pad = offered("net.layer.conv1.convolution_param.pad")
    assert pad == [f"net.layer.conv1.convolution_param.pad{side}=" for side in ("", "_h", "_w")]
    assert offered("net.layer.conv1.param.") == [
        "net.layer.conv1.param.0.",
        "net.layer.conv1.param.1.",
    ]
    assert "net.layer.res2a_branch2a." in offered("net.layer.res2a_b", RESNET)


def test_values() -> None:
    assert offered("solver.lr_policy=m") == ["solver.lr_policy=multistep"]
    assert offered("solver.snapshot_diff=") == [
        "solver.snapshot_diff=true",
        "solver.snapshot_diff=false",
    ]
    at = "net.layer.pool1.pooling_param.pool="
    assert offered(at) == [at + name for name in ("MAX", "AVE", "STOCHASTIC")]
    assert offered("solver.base_lr=") == []


def test_variables_of_the_config_and_of_what_it_includes() -> None:
    assert offered("vars.", RESNET) == [
        f"vars.{name}=" for name in ("batch", "test_batch", "crop", "lmdb", "mean")
    ]
    assert offered("vars.", str(ROOT / "configs" / "mnist" / "tiny.yaml")) == []


def test_a_net_in_a_file_of_its_own() -> None:
    solver = str(ROOT / "configs" / "mnist" / "lenet_solver.prototxt")
    assert offered("net.layer.ip", solver) == ["net.layer.ip1.", "net.layer.ip2."]


@pytest.mark.parametrize("config", [None, "none.yaml", str(ROOT), __file__])
def test_without_a_config_that_can_be_read(config: str | None) -> None:
    assert offered("solver.base", config) == ["solver.base_lr="]
    assert offered("net.layer.", config) == [] and offered("vars.", config) == []
    assert offered("nonsense.", config) == [] and offered("solver.none.x", config) == []


def test_names() -> None:
    assert complete_type("conv") == ["Convolution", "ConvolutionDepthwise"]
    assert "ArrayData" in complete_type("a")
    assert complete_layer(argparse.Namespace(config=LENET))[-1] == "loss"
    assert complete_topic()[0] == "1"


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A PATH with our commands, as installed."""
    for name, module in (("demitasse", "tools.cli"), ("train", "tools.commands.train")):
        script = tmp_path / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        script.chmod(0o755)
    return f"{tmp_path}{os.pathsep}{os.environ['PATH']}"


BASH = """
eval "$(demitasse completion bash)"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9
_python_argcomplete "${1%% *}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = "demitasse completion fish | source; complete -C $argv[1]"
LINES = {
    "demitasse sn": ["snapshot"],
    "demitasse layers Conv": ["Convolution", "ConvolutionDepthwise"],
    "demitasse gradcheck --phase T": ["TRAIN", "TEST"],
    "demitasse train --time": ["--time-limit"],
    "train --config configs/mnist/lenet.yaml --set net.layer.conv1.con": [
        "net.layer.conv1.convolution_param."
    ],
    "demitasse show configs/mnist/lenet.yaml --set solver.lr_policy=in": ["solver.lr_policy=inv"],
}


def ask(shell: str, code: str, line: str, path: str) -> list[str]:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"there is no {shell} here")
    options = (
        ["--norc", "-c", code, "bash", line]
        if shell == "bash"
        else ["--no-config", "-c", code, line]
    )
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [found, *options], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.stderr == "", done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("line", LINES)
def test_bash(line: str, path: str) -> None:
    answers = [word.rstrip() for word in ask("bash", BASH, line, path)]
    expected = LINES[line]
    if "=" in line.rpartition(" ")[2]:  # bash takes what follows its last word break
        expected = [word.rpartition("=")[2] for word in expected]
    assert sorted(answers) == sorted(expected)


@pytest.mark.parametrize("line", list(LINES)[1:5:3])
def test_fish(line: str, path: str) -> None:
    answers = [word.partition("\t")[0] for word in ask("fish", FISH, line, path)]
    assert set(LINES[line]) <= set(answers)


def test_no_space_after_a_dot(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh"):
        assert cli.main(["completion", shell]) == 0
        code = capsys.readouterr().out
        assert "[=/:.]" in code and "[=/:]" not in code


def test_zsh_takes_the_code(path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("there is no zsh here")
    assert cli.main(["completion", "zsh"]) == 0
    (tmp_path / "code").write_text("autoload -U compinit; compinit -D\n" + capsys.readouterr().out)
    done = subprocess.run([zsh, "-f", str(tmp_path / "code")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_without_argcomplete(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "argcomplete", None)
    assert cli.main(["completion", "bash"]) == 2
    assert "pip install 'demitasse[completion]'" in capsys.readouterr().err
    monkeypatch.setenv("_ARGCOMPLETE", "1")  # a shell that still has the code asks
    with pytest.raises(SystemExit) as leaving:
        cli.main(["course"])
    assert leaving.value.code == 1 and capsys.readouterr().out == ""
