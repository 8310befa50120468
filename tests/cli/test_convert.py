"""`demitasse convert` and `demitasse upgrade`: nothing is lost, and failures leave no file."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import text_format
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.schema import BlobProto, NetParameter, SolverParameter, SolverState
from engine.spec.raw import read_raw, write_raw
from tests.harness.places import GOLDEN, SHARED, needs_shared
from tests.harness.spec_messages import messages
from tools import cli

FORMS = {"yaml": ".yaml", "prototxt": ".prototxt", "binary": ".binaryproto"}
FILES = sorted((SHARED / "models").glob("*/*.prototxt"))
WEIGHTS = sorted(
    file
    for pattern in ("*.caffemodel", "*.solverstate")
    for file in (SHARED / "models").glob(f"*/{pattern}")
    if file.stat().st_size < 500_000
)


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(*names: str) -> None:
    for source, target in zip(names, names[1:], strict=False):
        assert cli.main(["convert", source, target]) == 0


@needs_shared
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_real_configs_round_trip(file: Path) -> None:
    convert(str(file), "a.yaml", "b.binaryproto", "c.prototxt", "d.yaml")
    kind = type(read_raw(file))
    truth = text_format.Parse(file.read_text(), kind())  # protobuf's own reader
    for name in ("a.yaml", "b.binaryproto", "c.prototxt", "d.yaml"):
        assert read_raw(Path(name)) == truth, name


@needs_shared
@pytest.mark.parametrize("file", WEIGHTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_real_binaries_round_trip(file: Path) -> None:
    kind = SolverState if file.suffix == ".solverstate" else NetParameter
    truth = kind.FromString(file.read_bytes())
    forked = file.parent.name in ("mtcnn_det1", "mtcnn_det2")  # fields of the fork it is from
    assert cli.main(["convert", str(file), "a.yaml", *["--drop-unknown"] * forked]) == 0
    convert("a.yaml", "b.prototxt", f"c{file.suffix}")
    truth.DiscardUnknownFields()
    assert kind.FromString(Path(f"c{file.suffix}").read_bytes()) == truth


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from([NetParameter, SolverParameter]).flatmap(messages),
    st.lists(st.sampled_from(list(FORMS)), min_size=1, max_size=3),
)
def test_any_message_round_trips(tmp_path: Path, message: Message, forms: list) -> None:
    kind = "net" if isinstance(message, NetParameter) else "solver"
    if not message.ListFields():
        return  # an empty file is refused
    now = message
    for form in forms:
        file = tmp_path / f"m{FORMS[form]}"
        file.write_bytes(write_raw(now, form))
        now = read_raw(file, kind)
    assert now == message


def test_sections_become_a_solver_with_its_net() -> None:
    Path("a.yaml").write_text("solver: {base_lr: 1}\nnet: {layer: [{name: d, type: DummyData}]}\n")
    convert("a.yaml", "b.prototxt", "c.yaml")
    solver = text_format.Parse(Path("b.prototxt").read_text(), SolverParameter())
    assert solver.base_lr == 1 and solver.net_param.layer[0].top == ["d"]
    assert Path("c.yaml").read_text() == (
        "solver:\n  base_lr: 1\n\nnet:\n  layer:\n  - name: d\n    type: DummyData\n    top: d\n"
    )


def test_binaries_are_told_apart() -> None:
    for message in (
        BlobProto(data=[1, 2]),
        NetParameter(name="n"),
        SolverParameter(base_lr=0.1, net="n.prototxt"),
        SolverState(iter=3, learned_net="x", current_step=1),
    ):
        Path("a.binaryproto").write_bytes(message.SerializeToString())
        assert read_raw(Path("a.binaryproto")) == message


def test_kind_can_be_said() -> None:
    Path("a.prototxt").write_text("data: 1 data: 2")
    assert cli.main(["convert", "a.prototxt", "b.binaryproto", "--as", "blob"]) == 0
    assert BlobProto.FromString(Path("b.binaryproto").read_bytes()).data == [1, 2]


FAILURES = {
    "missing": (["nope.yaml", "b.yaml"], 'error: no such file: "nope.yaml"'),
    "no ending": (["a.yaml", "b"], "in which form to write it\n  got: no extension"),
    "unknown ending": (["a.yaml", "b.prototx"], 'hint: did you mean ".prototxt"?'),
    "wrong": (["bad.yaml", "b.prototxt"], 'bad.yaml:1:1: unknown field "nmae"'),
    "no folder": (["a.yaml", "no/b.yaml"], "no/b.yaml: cannot write the file"),
    "hdf5": (["a.binaryproto", "b.yaml"], "a.binaryproto: this is an HDF5 file"),
    "hdf5 for what it is": (["a.binaryproto", "b.yaml"], "`demitasse snapshot a.binaryproto`"),
    "unknown fields": (["fork.caffemodel", "b.yaml"], "--drop-unknown leaves them out"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("name: n\n")
    Path("bad.yaml").write_text("nmae: n\n")
    Path("a.binaryproto").write_bytes(b"\x89HDF\r\n\x1a\nxx")
    Path("fork.caffemodel").write_bytes(NetParameter(name="n").SerializeToString() + b"\xf8\x3f\1")
    Path("b.yaml").write_text("here before\n")
    arguments, words = FAILURES[name]
    assert cli.main(["convert", *arguments]) == 2
    told = capsys.readouterr()
    assert words in told.err and told.out == ""
    assert Path("b.yaml").read_text() == "here before\n"
    assert not list(Path().glob(".*"))


def test_unknown_fields_pass_from_binary_to_binary() -> None:
    data = NetParameter(name="n").SerializeToString() + b"\xf8\x3f\1"
    Path("a.caffemodel").write_bytes(data)
    convert("a.caffemodel", "b.caffemodel")
    assert Path("b.caffemodel").read_bytes() == data


V1 = 'name: "n" layers { name: "c" type: CONVOLUTION bottom: "d" top: "c" blobs_lr: 2 }\n'
V0 = 'layers { layer { name: "c" type: "conv" num_output: 2 kernelsize: 5 } bottom: "d" top: "c" }'


def test_upgrade_prints_text_and_tells(capsys: pytest.CaptureFixture[str]) -> None:
    Path("v1.prototxt").write_text(V1)
    assert cli.main(["upgrade", "v1.prototxt"]) == 0
    told = capsys.readouterr()
    assert told.err == "v1.prototxt: 1 V1 layers (layers) became layer entries\n"
    net = text_format.Parse(told.out, NetParameter())
    assert net.layer[0].type == "Convolution" and net.layer[0].param[0].lr_mult == 2


def test_upgrade_of_binary_and_of_v0(capsys: pytest.CaptureFixture[str]) -> None:
    old = text_format.Parse(V0, NetParameter())
    Path("old.caffemodel").write_bytes(old.SerializeToString())
    Path("old.prototxt").write_text(V0)
    assert cli.main(["upgrade", "old.caffemodel", "new.caffemodel"]) == 0
    assert cli.main(["upgrade", "old.prototxt", "new.yaml"]) == 0
    told = capsys.readouterr()
    assert told.err.count("1 V0 layers became V1 layers") == 2 and told.out == ""
    new = NetParameter.FromString(Path("new.caffemodel").read_bytes())
    assert new == read_raw(Path("new.yaml"))
    assert new.layer[0].convolution_param.kernel_size == [5]


def test_upgrade_of_a_solver_and_of_a_new_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path("s.prototxt").write_text("base_lr: 1 solver_type: ADAM")
    assert cli.main(["upgrade", "s.prototxt", "t.prototxt"]) == 0
    assert cli.main(["upgrade", "t.prototxt"]) == 0
    told = capsys.readouterr()
    assert 's.prototxt: solver_type: ADAM became type: "Adam"' in told.err
    assert "t.prototxt: of the newest form already: nothing to upgrade" in told.err
    assert told.out == 'base_lr: 1\ntype: "Adam"\n'


@pytest.mark.parametrize("command", ["convert", "upgrade"])
def test_a_config_is_not_written_over_itself(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "# mine\nlayer: [{name: x, type: Input, input_param: {shape: {dim: [1, 2]}}}]\n"
    Path("n.yaml").write_text(text)
    for name in ("n.yaml", str(tmp_path / "n.yaml")):
        assert cli.main([command, "n.yaml", name]) == 2
        assert f"{name}: the file would be written over itself" in capsys.readouterr().err
    assert Path("n.yaml").read_text() == text


def test_upgrade_failures(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.caffemodel").write_bytes(NetParameter(name="n").SerializeToString())
    Path("s.solverstate").write_bytes(SolverState(iter=3).SerializeToString())
    assert cli.main(["upgrade", "b.caffemodel"]) == 2
    assert "a binary file is not printed" in capsys.readouterr().err
    assert cli.main(["upgrade", "s.solverstate"]) == 2
    assert "only nets and solvers have older forms" in capsys.readouterr().err


def test_golden_upgrades_keep_the_weights() -> None:
    for folder in (GOLDEN / "files", SHARED / "caffe_golden" / "files"):
        for file in folder.glob("upgrade_*/*.caffemodel"):
            before = NetParameter.FromString(file.read_bytes())
            assert cli.main(["upgrade", str(file), "new.caffemodel"]) == 0
            after = NetParameter.FromString(Path("new.caffemodel").read_bytes())
            old = before.layers or before.layer
            assert [len(x.blobs) for x in old] == [len(x.blobs) for x in after.layer]
