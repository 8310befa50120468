"""What is wrong with includes and with settings of variables, as a person reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import DemitasseError
from engine.spec import parse_net, parse_solver, read_net

SETTINGS = {
    "vars.btch=1": '--set vars.btch=1: the config has no variable "btch"\n'
    '  expected: one of its variables: batch\n  hint: did you mean "batch"?',
    "vars=1": '--set vars=1: a path is names joined by dots\n  got: "vars"\n'
    "  expected: such as solver.base_lr, or net.layer.conv1.type",
    "var.batch=1": '--set var.batch=1: unknown root "var"\n'
    '  expected: "solver", "net" or "vars"\n  hint: did you mean "vars"?',
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings(setting: str) -> None:
    with pytest.raises(DemitasseError) as caught:
        parse_net("vars: {batch: 1}\nname: n\n", "net.yaml", [setting])
    assert str(caught.value) == SETTINGS[setting]


def test_prototxt_has_no_variables() -> None:
    with pytest.raises(DemitasseError) as caught:
        parse_solver("base_lr: 1 max_iter: 2", "s.prototxt", ["vars.a=1"])
    assert str(caught.value) == (
        "--set vars.a=1: only YAML configs have variables\n  got: s.prototxt, a prototxt"
    )


def includes(folder: Path, **files: str) -> str:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    with pytest.raises(DemitasseError) as caught:
        read_net(folder / "main.yaml")
    return str(caught.value).replace(f"{folder}/", "")


def test_include_that_is_missing(tmp_path: Path) -> None:
    said = includes(tmp_path, main="include: baes.yaml\nname: n\n", base="name: n\n")
    assert said.startswith('main.yaml:1:10: no such file: "baes.yaml"\n')
    assert 'did you mean "base.yaml"?' in said


def test_includes_in_a_circle(tmp_path: Path) -> None:
    said = includes(
        tmp_path,
        main="layer: [{include: a.yaml}]\n",
        a="layer: [{include: b.yaml}]\n",
        b="include: a.yaml\nlayer: [{name: x}]\n",
    )
    assert said == (
        "b.yaml:1:10: files include each other in a circle\n  got: a.yaml -> b.yaml -> a.yaml"
    )


def test_include_without_layers(tmp_path: Path) -> None:
    said = includes(tmp_path, main="layer: [{include: a.yaml}]\n", a="vars: {b: 1}\n")
    assert said == 'main.yaml:1:19: "a.yaml" holds no layers\n  expected: a `layer:` list'


def test_a_mistake_in_an_included_file(tmp_path: Path) -> None:
    said = includes(tmp_path, main="include: a.yaml\nname: n\n", a="layer:\n- {nam: x}\n")
    assert said.startswith('a.yaml:2:4: unknown field "nam"')


def test_includes_without_end(tmp_path: Path) -> None:
    deep = {f"f{n}": f"include: f{n + 1}.yaml\nname: n\n" for n in range(30)}
    said = includes(tmp_path, main="include: f0.yaml\nname: n\n", **deep)
    assert said == "f19.yaml:1:10: files are included more than 20 deep"


def test_includes_that_multiply(tmp_path: Path) -> None:
    wide = {f"f{n}": f"include: [f{n + 1}.yaml, f{n + 1}.yaml]\nname: n\n" for n in range(18)}
    said = includes(tmp_path, main="include: f0.yaml\nname: n\n", f18="name: n\n", **wide)
    assert "files are included more than 500 times" in said
