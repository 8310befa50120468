"""What is written reads back as the same message."""

import math

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.schema import BlobProto, Datum, LayerParameter, NetParameter, SolverParameter
from engine.spec import parse_net, to_prototxt, to_yaml
from engine.spec.write import shortest
from tests.harness.spec_messages import messages, read_as

QUICK = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=150, **QUICK)
@given(st.sampled_from([NetParameter, SolverParameter, LayerParameter, Datum]).flatmap(messages))
def test_prototxt_round_trip(message):
    text = to_prototxt(message)
    assert read_as(type(message), text) == (message, [])
    assert text_format.Parse(text, type(message)()) == message


@settings(max_examples=150, **QUICK)
@given(st.sampled_from([NetParameter, SolverParameter, LayerParameter, Datum]).flatmap(messages))
def test_yaml_round_trip(message):
    assert read_as(type(message), to_yaml(message), "yaml") == (message, [])


@settings(max_examples=100, **QUICK)
@given(messages(NetParameter))
def test_nothing_is_implied_in_what_was_written(net):
    # Expanding a net adds the bottoms and tops that its layers leave out.
    assert read_as(NetParameter, to_yaml(net), "yaml") == (net, [])


@settings(max_examples=500, deadline=None)
@given(st.floats(width=32))
def test_floats_are_short_and_exact(value):
    text = shortest(value, single=True)
    blob = BlobProto(data=[value])
    assert len(text) <= 15
    for form, write in (("prototxt", to_prototxt), ("yaml", to_yaml)):
        again, problems = read_as(BlobProto, write(blob), form)
        assert not problems
        assert again.data[0] == blob.data[0] or math.isnan(value)


@settings(max_examples=500, deadline=None)
@given(st.floats(allow_nan=False))
def test_doubles_are_exact(value):
    assert float(shortest(value, single=False)) == value


def test_the_look_of_it():
    net = parse_net("""
name: "n"
layer { name: "c 1" type: "Convolution" bottom: "yes" top: "c" loss_weight: 0.1 relu_param { }
  param { lr_mult: 1 } param { decay_mult: 1e-05 } convolution_param { num_output: 3 pad: 1 pad: 2
  engine: CAFFE } }
""").param
    assert to_prototxt(net).startswith('name: "n"\nlayer {\n  name: "c 1"\n  type: "Convolution"\n')
    assert (
        to_yaml(net)
        == """name: n
layer:
- name: "c 1"
  type: Convolution
  bottom: yes
  top: c
  loss_weight: 0.1
  param:
  - lr_mult: 1
  - decay_mult: 1e-05
  convolution_param:
    num_output: 3
    pad: [1, 2]
    engine: CAFFE
  relu_param: {}
"""
    )


def test_long_lists_are_broken_and_nothing_is_an_empty_mapping():
    blob = BlobProto(data=[0.125] * 100)
    assert max(map(len, to_yaml(blob).splitlines())) <= 100
    assert read_as(BlobProto, to_yaml(blob), "yaml") == (blob, [])
    assert (to_yaml(BlobProto()), to_prototxt(BlobProto())) == ("{}\n", "")


@pytest.mark.parametrize("value", [3.4028234663852886e38, -1e-45, 1e-38, 16777216.0])
def test_the_ends_of_the_range(value):
    blob = BlobProto(data=[value])
    assert read_as(BlobProto, to_prototxt(blob)) == (blob, [])
