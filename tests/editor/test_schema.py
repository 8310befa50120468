"""The JSON Schema of configs: it takes what the readers take, and refuses what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.errors import DemitasseError
from engine.schema import LayerParameter, SolverParameter
from engine.spec import read_net, read_solver, to_yaml
from engine.spec.node import as_plain
from engine.spec.raw import is_solver
from engine.spec.yaml_form import parse_yaml
from tests.harness.places import ROOT, SHARED, needs_shared
from tools import cli
from tools.editor.schema import config_schema, schema_text

jsonschema = pytest.importorskip("jsonschema")

COMMITTED = ROOT / "configs" / "demitasse.schema.json"
CONFIGS = sorted((ROOT / "configs").rglob("*.yaml")) + sorted(
    (ROOT / "tools" / "starters").glob("*.yaml")
)
NETS = sorted((SHARED / "models").glob("*/*.prototxt"))
OWN_TYPES = {"08_own_layer.yaml": ["Softsign"]}  # registered by the Python file beside it


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = config_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(validator: Any, text: str) -> list[str]:
    return [error.message for error in validator.iter_errors(as_plain(parse_yaml(text)))]


def test_the_committed_file_is_up_to_date() -> None:
    assert COMMITTED.read_text() == schema_text(), (
        "run: demitasse schema > configs/demitasse.schema.json"
    )


def test_it_is_small() -> None:
    assert COMMITTED.stat().st_size < 200_000


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configs_are_valid_and_name_the_schema(validator: Any, path: Path) -> None:
    text = path.read_text()
    own = OWN_TYPES.get(path.name)
    if own:
        assert problems(validator, text)
        validator = jsonschema.Draft202012Validator(config_schema(own))
    else:
        named = re.search(r"^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE)
        assert named
        assert named[1] == "@SCHEMA@" or (path.parent / named[1]).samefile(COMMITTED)
    assert problems(validator, text) == []


@needs_shared
@pytest.mark.parametrize("path", NETS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_published_nets_are_valid_as_yaml(validator: Any, path: Path) -> None:
    spec: Any = read_solver(path) if is_solver(path) else read_net(path)
    types = {layer.type for layer in getattr(spec.param, "layer", ())}
    known = set(
        validator.schema["$defs"]["LayerParameter"]["properties"]["type"]["anyOf"][0]["enum"]
    )
    if types <= known:
        assert problems(validator, to_yaml(spec.param)) == []


LANGUAGE = """
include: [a.yaml, b.yaml]
vars: {batch: 8, sizes: [1, 2], filler: {type: xavier}}
blocks:
  conv:
    params: {maps: , kernel: 3}
    layer:
      - {name: conv, type: Convolution, convolution_param: {num_output: "${maps}", pad: [1, 2]}}
      - {name: relu, type: ReLU, top: conv, relu_param: }
  twice:
    params: [maps]
    layer: [{block: conv, name: a, maps: "${maps}", repeat: 2}]
solver: {base_lr: "${env:LR:0.1}", test_iter: [1, 2], type: Adam, snapshot_diff: 1}
net:
  layer:
    - include: data.yaml
    - {block: twice, name: b, bottom: data, top: x, repeat: [c, d], maps: 4}
    - {name: ip, type: "${kind}", inner_product_param: {weight_filler: "${filler}"}}
    - {name: loss, type: EuclideanLoss, bottom: [x, y], include: {phase: TEST}, loss_weight: 2}
    - {name: acc, type: Accuracy, include: [{phase: TEST, stage: a}, {stage: [b, c]}]}
"""
BARE = ["name: n\nlayer: [{name: d, type: Input}]", "net: net.prototxt\nbase_lr: 0.1"]


@pytest.mark.parametrize("text", [LANGUAGE, *BARE])
def test_all_that_the_language_has(validator: Any, text: str) -> None:
    assert problems(validator, text) == []


BAD = {
    "unknown section": "solver: {base_lr: 1}\nnets: {name: n}",
    "field outside its section": "solver: {base_lr: 1}\nbase_lr: 2",
    "unknown key": "nmae: n",
    "unknown field of a layer": "layer: [{name: d, type: ReLU, botom: x}]",
    "unknown field of options": "layer: [{name: d, type: ReLU, relu_param: {slope: 1}}]",
    "text for a number": "base_lr: fast",
    "quoted number": 'base_lr: "0.1"',
    "fraction for an integer": "max_iter: 1.5",
    "below zero": "layer: [{name: p, type: Pooling, pooling_param: {stride: -1}}]",
    "too large": "max_iter: 3000000000",
    "unknown choice": "layer: [{name: p, type: Pooling, pooling_param: {pool: MXA}}]",
    "text for a boolean": "test_initialization: on",
    "number for a text": "snapshot_prefix: 3",
    "list for one value": "layer: [{name: p, type: LRN, lrn_param: {alpha: [1, 2]}}]",
    "value for a group": "layer: [{name: p, type: LRN, lrn_param: 3}]",
    "group for a value": "base_lr: {a: 1}",
    "nothing for a value": "base_lr:",
    "missing": "layer: [{name: c, type: Clip, clip_param: {min: 0}}]",
    "block without layers": "blocks: {b: {params: [n]}}\nlayer: []",
    "unknown field of a block": "blocks: {b: {param: [n], layer: []}}\nlayer: []",
    "variable with a bad name": "vars: {a-b: 1}\nlayer: []",
    "include of no file": "include: 3",
    "negative repeat": "blocks: {b: {layer: [{name: r, type: ReLU}]}}\n"
    "layer: [{block: b, repeat: -1}]",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_refused_by_schema_and_reader(
    validator: Any, name: str, tmp_path: Path
) -> None:
    assert problems(validator, BAD[name])
    path = tmp_path / "bad.yaml"
    path.write_text(BAD[name])
    with pytest.raises(DemitasseError):
        (read_solver if is_solver(path) else read_net)(path)


def test_names_that_only_training_would_refuse(validator: Any) -> None:
    for text in ("lr_policy: stepp", "type: Adm", "layer: [{name: c, type: Convolutoin}]"):
        assert "is not valid under any of the given schemas" in problems(validator, text)[0]


def test_docs_of_fields_and_choices() -> None:
    definitions = config_schema()["$defs"]
    solver = definitions["SolverParameter"]["properties"]
    assert solver["momentum2"]["description"] == "Adam: beta2. Default: 0.999."
    policies = solver["lr_policy"]["anyOf"][0]
    formula = dict(zip(policies["enum"], policies["markdownEnumDescriptions"], strict=True))
    assert formula["exp"] == "base_lr * gamma ^ iter"
    layer = definitions["LayerParameter"]["properties"]
    types = layer["type"]["anyOf"][0]
    lines = dict(zip(types["enum"], types["markdownEnumDescriptions"], strict=True))
    assert lines["AbsVal"] == "y = |x|"
    assert "Options of LSTM, RNN." in layer["recurrent_param"]["description"]


def test_every_field_is_in_it() -> None:
    definitions = config_schema()["$defs"]
    for message in (SolverParameter, LayerParameter):
        fields = set(message.DESCRIPTOR.fields_by_name)
        assert fields <= set(definitions[message.DESCRIPTOR.name]["properties"])


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    assert capsys.readouterr().out == schema_text()
    assert cli.main(["schema", "--type", "Softsign"]) == 0
    assert '"Softsign"' in json.dumps(json.loads(capsys.readouterr().out))
