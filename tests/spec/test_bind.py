"""Binding a tree to the schema: every problem found, each with its place and a way out."""

import time
import warnings

import pytest

from engine.errors import ConfigError, DemitasseError, MissingDependency
from engine.schema import Datum, LayerParameter, NetParameter, SolverParameter
from engine.spec import Origins, bind, parse_prototxt, parse_yaml
from tests.harness.spec_messages import read_as

NET = """name: "n"
layer {
  name: "conv1"
  type: "Convolution"
  convolution_param {
    kernal_size: 3
    num_output: "many"
    num_output: 2
    pad: -1
    weight_filler { variance_norm: FAN_INN std: true }
  }
  pooling_param { pool: MAXX strides: 1 }
  kernel_size: 3
}
layr { }
"""


def test_every_problem_of_a_file_is_reported():
    assert read_as(NetParameter, NET)[1] == [
        'net.prototxt:6:5: unknown field "kernal_size" in convolution_param of layer "conv1"\n'
        '  hint: did you mean "kernel_size"?',
        'net.prototxt:7:17: wrong type for "num_output" in convolution_param of layer "conv1"\n'
        '  got: "many" (a string)\n  expected: an integer from 0 to 4294967295',
        'net.prototxt:8:5: "num_output" in convolution_param of layer "conv1" is given twice\n'
        "  hint: it is given first at net.prototxt:7:5",
        'net.prototxt:9:10: value out of range for "pad" in convolution_param of layer "conv1"\n'
        "  got: -1 (an integer)\n  expected: an integer from 0 to 4294967295",
        'net.prototxt:10:36: unknown value for "variance_norm" in '
        'convolution_param.weight_filler of layer "conv1"\n'
        "  got: FAN_INN (a word without quotes)\n  expected: one of FAN_IN, FAN_OUT, AVERAGE\n"
        '  hint: did you mean "FAN_IN"?',
        'net.prototxt:10:49: wrong type for "std" in convolution_param.weight_filler of layer '
        '"conv1"\n  got: true (a word without quotes)\n  expected: a number',
        'net.prototxt:12:25: unknown value for "pool" in pooling_param of layer "conv1"\n'
        "  got: MAXX (a word without quotes)\n  expected: one of MAX, AVE, STOCHASTIC\n"
        '  hint: did you mean "MAX"?',
        'net.prototxt:12:30: unknown field "strides" in pooling_param of layer "conv1"\n'
        '  hint: did you mean "stride"?',
        read_as(NetParameter, NET)[1][8],
        'net.prototxt:15:1: unknown field "layr" in NetParameter\n  hint: did you mean "layer"?',
    ]


def test_a_field_put_one_level_too_high_is_shown_its_place():
    said = read_as(NetParameter, NET)[1][8]
    assert said.startswith('net.prototxt:13:3: unknown field "kernel_size" in layer "conv1"')
    assert said.endswith('hint: "kernel_size" belongs inside convolution_param')
    untyped = read_as(NetParameter, 'layer { name: "a" kernel_size: 3 }')[1][0]
    assert '"kernel_size" is a field of ' in untyped and "convolution_param" in untyped


def test_required_fields():
    text = 'layer { name: "c" type: "Clip" clip_param { min: 0 } }'
    assert read_as(NetParameter, text)[1] == [
        'net.prototxt:1:43: "max" is missing in clip_param of layer "c"'
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("layer {name: 3}", '"name" in a layer without a name'),
        ("layer {name: true}", 'put it in quotes: "true"'),
        ("layer {type: conv, name: x, phase: 'TRAIN'}", None),
        ("layer {name: x, phase: [TRAIN]}", "it takes one value, not a list"),
        ("layer {name: x, phase: {a: 1}}", "got: a group of fields"),
        ("layer {name: x, convolution_param: 3}", "expected: a group of ConvolutionParameter"),
        ("layer {name: x, convolution_param: [{num_output: 3}]}", "got: a list of 1"),
        ("layer {name: x, loss_weight: .nan}", None),
        ("layer {name: x, loss_weight: nan}", "YAML writes .inf"),
        ("layer {name: x, loss_weight: 0x10}", None),
        ("layer {name: x, loss_weight: [[1]]}", "expected: a number"),
        ("layer {name: x, bottom: [a, b], loss_weight: 1}", None),
        ("layer {name: x, propagate_down: yes}", "write true (without quotes)"),
        ("layer {name: x, propagate_down: [1, false]}", None),
        ("layer {name: x, convolution_param: {num_output: 1e2}}", "hint: write 100"),
        ("layer {name: x, convolution_param: {num_output: 4294967296}}", "out of range"),
        ("layer {name: }", "got: nothing"),
        ("layer {name: x, relu_param: }", None),
    ],
)
def test_yaml_values(text, said):
    problems = read_as(NetParameter, text.replace("layer {", "layer: {"), "yaml")[1]
    assert (said is None and not problems) or (problems and said in problems[0])


def test_yaml_gives_lists_single_values_and_bytes():
    message, problems = read_as(Datum, "{data: hé, float_data: [1, 2.5], label: 3}", "yaml")
    assert not problems
    assert message == Datum(data="hé".encode(), float_data=[1, 2.5], label=3)
    message, problems = read_as(LayerParameter, "{bottom: a, param: {lr_mult: 2}}", "yaml")
    assert not problems
    assert list(message.bottom) == ["a"] and message.param[0].lr_mult == 2


def test_enums_by_number_and_empty_groups_count_as_given():
    message, problems = read_as(LayerParameter, "phase: 1 relu_param { }")
    assert not problems
    assert message.phase == 1 and message.HasField("relu_param")


def test_text_that_is_not_utf8():
    assert "not UTF-8 text" in read_as(NetParameter, r"name: '\377'")[1][0]
    assert read_as(Datum, r"data: '\377'")[0].data == b"\xff"


def test_origins():
    origins, problems = Origins(), []
    text = 'name: "n"\nlayer { name: "a.b" }\nlayer {\n name: "c" pooling_param { stride: 2 } }'
    bind(parse_prototxt(text, "f"), NetParameter(), problems, origins)
    assert not problems
    assert str(origins.layer("c")) == "f:3:1"
    assert str(origins.field("layer.c.pooling_param.stride")) == "f:4:28"
    assert origins.field("layer.1.pooling_param.stride") == origins.field(
        "layer.c.pooling_param.stride"
    )
    assert str(origins.field("layer.a.b.name")) == "f:2:9"
    assert str(origins.field("name")) == "f:1:1"
    assert origins.layer("d") is None and origins.field("layer.d.name") is None
    bind(parse_yaml("base_lr: 1\nlr_policy: fixed", "g"), SolverParameter(), problems, origins)
    assert str(origins.field("lr_policy")) == "g:2:1"


def test_no_deprecation_warning_from_the_descriptor_api():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        from engine.spec.fields import fields_of

        fields_of.cache_clear()
        assert not read_as(NetParameter, 'name: "x" layer { top: "y" }')[1]


def test_a_file_of_another_kind_is_given_up_in_time():
    start = time.perf_counter()
    for text in ("layr { }\n", "layer { names: 1 }\n", "input_dim: [x, y]\n", "state: 1\n"):
        assert 1 <= len(read_as(NetParameter, text * 20_000)[1]) <= 201
    assert len(read_as(NetParameter, "x" * 100_000 + ": 1")[1][0]) < 2000
    assert time.perf_counter() - start < 30


def test_a_report_is_cut_and_says_the_same_thing_once():
    problems = [DemitasseError(f"wrong {i % 70}") for i in range(140)]
    lines = str(ConfigError(problems)).splitlines()
    assert (lines[0], lines[-1], len(lines)) == ("70 problems:", "... and 20 more", 52)
    assert str(ConfigError(problems[:1])) == "wrong 0"
    assert "pip install 'demitasse[data]'" in str(MissingDependency("h5py", "data", "HDF5"))
