"""What holds for each command: its help, its exit codes, errors on stderr, data on stdout."""

from __future__ import annotations

import argparse
import errno
import io
import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DemitasseError
from tests.harness.places import ROOT
from tools import cli

TINY = str(ROOT / "configs" / "mnist" / "tiny.yaml")
NAMES = list(cli.COMMANDS)

# A command line of each that names what is not there.
WRONG = {
    "train": ["--config", "none.yaml"],
    "time": ["--config", "none.yaml"],
    "layers": ["Convolutoin"],
    "convert": ["none.prototxt", "b.yaml"],
    "init": ["-o", "none/lenet.yaml"],
    "show": ["none.yaml"],
    "check": ["none.yaml"],
    "edit": ["none.yaml", "--set", "net.name=n"],
    "snapshot": ["none.solverstate"],
    "upgrade": ["none.prototxt"],
    "schema": None,  # asks for nothing
    "gradcheck": ["none.yaml"],
    "draw": ["none.yaml"],
    "plot": ["run", "none_log.jsonl"],
    "course": ["99"],
    "completion": None,
    "get": ["mnist", "-o", "file/inside"],
    "inspect": ["none_lmdb"],
    "convert_imageset": ["none", "none.txt", "out_lmdb"],
    "compute_image_mean": ["none_lmdb", "mean.binaryproto"],
    "extract_features": ["none.caffemodel", "none.yaml", "ip", "out", "1"],
}
# A command line of each that prints JSON.
JSON = {
    "layers": ["relu"],
    "course": [],
    "show": [TINY],
    "time": ["--config", TINY, "--iterations", "1"],
    "gradcheck": [TINY, "--elements", "2", "--layer", "score"],
    "snapshot": [],  # of a snapshot that the test makes
    "inspect": [str(ROOT / "configs" / "mnist" / "digits" / "t10k-images-idx3-ubyte.gz")],
}


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    return tmp_path


def parser_of(name: str) -> argparse.ArgumentParser:
    (commands,) = (
        action
        for action in cli.command_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return commands.choices[name]


def leave(*arguments: str) -> int:
    """The exit code of a command that argparse ends."""
    with pytest.raises(SystemExit) as leaving:
        cli.main(list(arguments))
    return int(leaving.value.code or 0)


@pytest.mark.parametrize("name", NAMES)
def test_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(name, "--help") == 0
    told = capsys.readouterr()
    assert told.out.startswith(f"usage: demitasse {name}") and told.err == ""
    assert leave("--help") == 0
    listed = " ".join(capsys.readouterr().out.split())
    summary = parser_of(name).description
    assert summary and f"{name} {summary}" in listed


@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_explained(name: str) -> None:
    for action in parser_of(name)._actions:
        if not isinstance(action, argparse._SubParsersAction):
            assert action.help, f"{name} {action.option_strings or action.dest}"


@pytest.mark.parametrize("name", NAMES)
def test_unknown_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(name, "--no-such-option") == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("usage: demitasse")
    assert "error: " in told.err and "Traceback" not in told.err


def test_no_command_and_an_unknown_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave() == 2 and leave("trian") == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("usage: demitasse") == 2


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_there(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = WRONG[name]
    if arguments is None:
        pytest.skip("it names nothing that could be missing")
    assert cli.main([name, *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ")
    # One message: what, and indented under it what was expected and a hint; check counts them.
    lines = told.err.removesuffix("none.yaml: 1 error\n").splitlines()
    assert all(line.startswith("  ") for line in lines[1:])
    assert list(Path().iterdir()) == [Path("file")]  # nothing half done is left


ENDS = {
    "interrupted": (KeyboardInterrupt(), 130, "interrupted\n"),
    "disk full": (OSError(errno.ENOSPC, "No space left on device"), 2, "error: No space left"),
    "memory": (MemoryError("1 GiB"), 2, "error: not enough memory for this net: 1 GiB\n"),
    "wrong": (DemitasseError("no good", "a.yaml:1:2"), 2, "error: a.yaml:1:2: no good\n"),
    "unread": (BrokenPipeError(), 1, ""),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", NAMES)
def test_exit_codes(
    name: str, end: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    problem, code, said = ENDS[end]

    def stop(arguments: argparse.Namespace) -> int:
        raise problem

    monkeypatch.setattr(cli.COMMANDS[name], "run", stop)
    complete = {"train": ["--config", "x"], "time": ["--config", "x"], "schema": []}
    complete |= {"completion": ["bash"], "plot": ["run", "x"]}
    arguments = complete.get(name, WRONG[name] or [])
    assert cli.main([name, *arguments]) == code
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith(said) and bool(told.err) == bool(said)


def test_names_that_the_terminal_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("n.yaml").write_text(
        'layer: [{name: "größe", type: Input, input_param: {shape: {dim: [1, 2]}}}]\n',
        encoding="utf-8",
    )
    terminal = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(terminal, encoding="ascii"))
    assert cli.main(["check", "n.yaml"]) == 0
    assert rb"gr\xf6\xdfe  Input" in terminal.getvalue()


@pytest.mark.parametrize("command", [["time", "--config"], ["gradcheck"]])
def test_a_shape_that_no_machine_has_room_for(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    huge = "[99999999, 99999999, 99999999]"
    Path("n.yaml").write_text(
        f"layer: [{{name: x, type: Input, input_param: {{shape: {{dim: {huge}}}}}}}]\n"
    )
    assert cli.main([*command, "n.yaml"]) == 2
    assert 'error: blob "x" of shape (99999999, 99999999, 99999999) is too large' in (
        capsys.readouterr().err
    )


def with_json() -> set[str]:
    return {
        name
        for name in NAMES
        if any("--json" in action.option_strings for action in parser_of(name)._actions)
    }


@pytest.mark.parametrize("name", JSON)
def test_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = JSON[name]
    if name == "snapshot":
        less = ("solver.max_iter=2", "solver.test_interval=2", "solver.snapshot_prefix=s")
        options = [word for setting in less for word in ("--set", setting)]
        assert cli.main(["train", "--config", TINY, *options]) == 0
        arguments = ["s_iter_2.solverstate", "s_iter_2.caffemodel"]
    capsys.readouterr()
    assert cli.main([name, *arguments, "--json"]) == 0
    told = capsys.readouterr()
    assert told.err == ""
    check(name, json.loads(told.out, parse_constant=pytest.fail))


def check(name: str, found: Any) -> None:
    """A fact or two of what was printed."""
    if name == "layers":
        assert found["formula"].startswith("y = x where x > 0")
        assert found["fields"]["relu_param"][0]["name"] == "negative_slope"
    elif name == "course":
        assert [topic["topic"] for topic in found] == sorted(topic["topic"] for topic in found)
    elif name == "show":
        assert found["solver"]["base_lr"] == 0.1
        assert found["net"]["layer"][0]["array_data_param"]["batch_size"] == 64
    elif name == "time":
        hidden = next(layer for layer in found["layers"] if layer["name"] == "hidden")
        assert hidden["parameter_bytes"] == 4 * (784 * 100 + 100)
        assert 0 < hidden["forward"]["least_ms"] <= hidden["forward"]["median_ms"]
    elif name == "gradcheck":
        assert {one["layer"] for one in found} == {"score"} and all(one["passed"] for one in found)
    elif name == "snapshot":
        state, model = found
        assert state["iteration"] == 2 and model["kind"] == "model"
        assert model["layers"][0]["parameters"][0]["shape"] == [100, 784]
        assert state["layers"] == model["layers"] and len(state["history"]) == 4


def test_the_tables_above_hold_every_command() -> None:
    assert set(WRONG) == set(NAMES)
    assert set(JSON) == with_json() - {"check"}  # which has tests of its own


def test_json_excludes_what_is_not_json(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["show", TINY, "--json", "--origin"],
        ["show", TINY, "--json", "--format", "prototxt"],
        ["course", "1", "--json"],
        ["snapshot", "a", "b", "--diff", "--json"],
    ):
        assert cli.main(arguments) == 2
        assert capsys.readouterr().err.startswith("error: --json ")


def test_unknown_words_are_told_with_the_usage_of_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["upgrade", "a.prototxt", "b.prototxt", "c.prototxt"])
    assert left.value.code == 2
    err = capsys.readouterr().err
    assert "usage: demitasse upgrade" in err and "unrecognized arguments: c.prototxt" in err
