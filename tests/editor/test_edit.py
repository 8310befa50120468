"""`demitasse edit`: a value changes, and nothing else in the file does."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import DemitasseError
from engine.spec import read_net, read_solver
from tests.harness.places import ROOT
from tools import cli
from tools.editor.edit import edited
from tools.editor.splice import splice

CONFIG = """\
# What this is.
vars: {wide: 8}   # in one place
blocks:
  fc:
    params: [of]
    layer: [{name: ip, type: InnerProduct, inner_product_param: {num_output: "${of}"}}]
solver:
  base_lr: 0.1        # a rate
  lr_policy: "fixed"  # quoted

  max_iter: 9  # the last
net:
  layer:
    - name: d.1       # a dot in it
      type: DummyData
      dummy_data_param:
        shape: {dim: [2, 3]}
    - {block: fc, name: a, of: "${wide}"}
    # between two
    - {name: r, type: ReLU, relu_param: }
    - name: s
      type: Sigmoid

# The end.
"""


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(CONFIG)
    return tmp_path


def changes(*options: str) -> list[str]:
    """The lines that go and come."""
    before, after = edited(Path("c.yaml"), options)
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0)
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def test_values_are_exchanged_and_comments_keep_their_column() -> None:
    assert changes("solver.base_lr=0.025") == [
        "-  base_lr: 0.1        # a rate",
        "+  base_lr: 0.025      # a rate",
    ]
    assert changes("solver.lr_policy=step") == [
        '-  lr_policy: "fixed"  # quoted',
        "+  lr_policy: step     # quoted",
    ]
    assert changes("vars.wide=16")[1] == "+vars: {wide: 16}   # in one place"
    assert changes("net.layer.d.1.dummy_data_param.shape.0.dim=[4, 5]") == [
        "-        shape: {dim: [2, 3]}",
        "+        shape: {dim: [4, 5]}",
    ]


def test_missing_keys_stand_at_the_end_of_their_group() -> None:
    assert changes("solver.gamma=0.5") == ["+  gamma: 0.5"]
    after = edited(Path("c.yaml"), ["solver.gamma=0.5"])[1].splitlines()
    assert after[after.index("  gamma: 0.5") - 1] == "  max_iter: 9  # the last"
    assert changes("net.layer.s.loss_weight=[1]") == ["+      loss_weight: [1]"]
    assert changes("net.layer.s.sigmoid_param.engine=NUMPY") == [
        "+      sigmoid_param: {engine: NUMPY}"
    ]


def test_texts_that_look_like_numbers_are_quoted() -> None:
    assert changes("solver.snapshot_prefix=012") == ['+  snapshot_prefix: "012"']
    assert changes("solver.snapshot_prefix=a: b") == ['+  snapshot_prefix: "a: b"']


ELSEWHERE = {
    "net.layer.a/ip.inner_product_param.num_output=3": 'nothing in this file is called "a/ip"',
    "solver.base_lrr=1": 'unknown field "base_lrr"',
    "vars.wid=3": 'the config has no variable "wid"',
}


@pytest.mark.parametrize("override", ELSEWHERE)
def test_what_is_not_in_the_file_or_wrong(
    override: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["edit", "c.yaml", "--set", "solver.gamma=1", "--set", override]) == 2
    told = capsys.readouterr()
    assert ELSEWHERE[override] in told.err and told.out == ""
    assert Path("c.yaml").read_text() == CONFIG


def test_an_edit_that_would_change_more_is_refused() -> None:
    Path("c.yaml").write_text(
        "layer:\n- {name: a, type: Power, power_param: &p {scale: 1}}\n"
        "- {name: b, type: Power, power_param: *p}\n"
    )
    with pytest.raises(DemitasseError, match="it would change more, or less, than this"):
        edited(Path("c.yaml"), ["net.layer.a.power_param.scale=2"])


def test_files_without_sections_and_other_forms() -> None:
    Path("c.yaml").write_text("net: n.prototxt\r\nbase_lr: 1\r\n")
    assert edited(Path("c.yaml"), ["solver.gamma=2"])[1] == (
        "net: n.prototxt\r\nbase_lr: 1\r\ngamma: 2\r\n"
    )
    with pytest.raises(DemitasseError) as caught:
        edited(Path("c.yaml"), ["net.name=x"])
    assert caught.value.hint == "edit that one: n.prototxt"
    Path("c.yaml").write_text("name: n")
    assert edited(Path("c.yaml"), ["net.name=m"])[1] == "name: m"
    Path("n.prototxt").write_text('name: "n"')
    with pytest.raises(DemitasseError, match="only YAML configs are edited"):
        edited(Path("n.prototxt"), ["net.name=x"])


def test_groups_of_several_lines_are_left_to_people() -> None:
    with pytest.raises(DemitasseError, match="the value takes several lines"):
        splice("a:\n  b: 1\n", ["a"], "2")
    with pytest.raises(DemitasseError, match="a single value stands where the path goes on"):
        splice("a: 1\n", ["a", "b"], "2")
    assert splice("a: |\n  x\n  y\nb: {}\n", ["b", "c"], "2") == "a: |\n  x\n  y\nb: {c: 2}\n"
    assert splice("b:\n  a: |\n    x\n", ["b", "c"], "2") == "b:\n  a: |\n    x\n  c: 2\n"


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["edit", "c.yaml", "--set", "solver.base_lr=1", "--dry-run"]) == 0
    assert "+  base_lr: 1          # a rate\n" in capsys.readouterr().out
    assert Path("c.yaml").read_text() == CONFIG
    assert cli.main(["edit", "c.yaml", "--set", "solver.base_lr=1", "-o", "d.yaml"]) == 0
    assert Path("c.yaml").read_text() == CONFIG and "base_lr: 1 " in Path("d.yaml").read_text()
    assert cli.main(["edit", "c.yaml", "--set", "solver.base_lr=1"]) == 0
    assert Path("c.yaml").read_text() == Path("d.yaml").read_text()
    assert cli.main(["edit", "c.yaml"]) == 2
    assert "nothing to change" in capsys.readouterr().err


def test_a_length_in_the_other_unit_takes_its_line() -> None:
    text = "net: n.prototxt\nsolver:\n  max_iter: 500  # long\n  base_lr: 0.1\n  lr_policy: fixed\n"
    Path("u.yaml").write_text(text)
    before, after = edited(Path("u.yaml"), ["solver.max_epoch=2.5"])
    assert before == text and after == text.replace("max_iter: 500", "max_epoch: 2.5")


FIELDS = st.sampled_from(
    ["base_lr=0.25", "max_iter=77", "test_epoch=3", "display=3", "lr_policy=poly", "power=2",
     "weight_decay=0.125", "type=Adam", "snapshot_prefix=a b", "stepvalue=[3, 5]", "iter_size=2"]
)  # fmt: skip
SHIPPED = sorted(
    path.relative_to(ROOT / "configs")
    for folder in ("mnist", "imagenet", "bench", "course")
    for path in (ROOT / "configs" / folder).glob("*.yaml")
    if "solver:" in path.read_text()
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(SHIPPED), st.lists(FIELDS, min_size=1, max_size=3, unique=True))
def test_any_shipped_config_keeps_its_lines(path: Path, fields: list[str]) -> None:
    if not Path("configs").exists():
        shutil.copytree(ROOT / "configs", "configs")
    config = Path("configs") / path
    overrides = [f"solver.{field}" for field in fields]
    before, after = edited(config, overrides)
    old, new = before.splitlines(), after.splitlines()
    gone = [line for line in difflib.ndiff(old, new) if line.startswith("- ")]
    assert len(gone) <= len(overrides) and before.count("#") == after.count("#")
    config.write_text(after)
    try:
        now = read_solver(config)
    finally:
        config.write_text(before)
    wanted = read_solver(config, overrides)
    assert now.param == wanted.param and now.net and wanted.net
    assert now.net.param == wanted.net.param


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_a_layer_of_any_shipped_config(path: Path) -> None:
    config = ROOT / "configs" / path
    text = config.read_text()
    named = [x.name for x in read_net(config).param.layer if f"name: {x.name}" in text]
    if not named:
        pytest.skip("all its layers come from elsewhere")
    override = f"net.layer.{named[-1]}.propagate_down=[false]"
    before, after = edited(config, [override])
    assert len(after.splitlines()) - len(before.splitlines()) in (0, 1)
