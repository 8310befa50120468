"""The YAML reader: YAML 1.2 scalars, locations, and nothing hostile gets far."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.spec.node import Kind, Mapping, Scalar, Sequence
from engine.spec.yaml_form import parse_yaml


def value(text: str) -> Scalar:
    node = parse_yaml(f"key: {text}\n").entries[0].value
    assert isinstance(node, Scalar)
    return node


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("1e-3", Kind.FLOAT, 1e-3),
        ("1E5", Kind.FLOAT, 1e5),
        ("1.", Kind.FLOAT, 1.0),
        (".5", Kind.FLOAT, 0.5),
        ("-1.5e+3", Kind.FLOAT, -1500.0),
        ("012", Kind.INT, 12),
        ("+7", Kind.INT, 7),
        ("-7", Kind.INT, -7),
        ("0x1F", Kind.INT, 31),
        ("0o17", Kind.INT, 15),
        (".inf", Kind.FLOAT, math.inf),
        ("-.Inf", Kind.FLOAT, -math.inf),
        ("true", Kind.BOOL, True),
        ("FALSE", Kind.BOOL, False),
        ("~", Kind.NULL, None),
        ("", Kind.NULL, None),
        ("null", Kind.NULL, None),
        ("'12'", Kind.TEXT, "12"),
        ('"true"', Kind.TEXT, "true"),
        ("!!str 12", Kind.TEXT, "12"),
        ("! 12", Kind.TEXT, "12"),
        ("!!float 3", Kind.FLOAT, 3.0),
        ("!!binary aGk=", Kind.QUOTED, b"hi"),
        *(
            (text, Kind.TEXT, text)
            for text in (
                "on",
                "off",
                "yes",
                "No",
                "1_000",
                "1:30",
                "tRUE",
                "2020-01-01",
                "0b1",
                "1e",
            )
        ),
    ],
)
def test_scalars_follow_yaml_1_2(text, kind, expected):
    node = value(text)
    assert (node.kind, node.value) == (kind, expected)


def test_nan():
    assert math.isnan(value(".NaN").value)


def test_locations():
    tree = parse_yaml("# x\nname: n\nlayer:\n- name: a\n  top: [x, y]\n", "f")
    assert [str(entry.location) for entry in tree.entries] == ["f:2:1", "f:3:1"]
    layers = tree.get("layer")
    assert isinstance(layers, Sequence) and isinstance(layers.items[0], Mapping)
    assert str(layers.items[0].location) == "f:4:3"
    assert str(layers.items[0].entries[1].value.items[1].location) == "f:5:12"


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_yaml(text, "f")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f: the file is empty"),
        ("# only this\n", "f: the file is empty"),
        ("---\n", "f: the file is empty"),
        ("- a\n- b\n", "f:1:1: a config is a mapping"),
        ("word\n", "f:1:1: a config is a mapping"),
        ("a: 1\n---\nb: 2\n", "f:2:1: a second document begins"),
        ("a: 1\n\tb: 2\n", "f:2:1: not YAML"),
        ("a: [1, 2\nb: 3\n", "f:1:4"),
        ("a: *x\n", "f:1:4: *x has no anchor &x before it"),
        ("a: &x [*x]\n", "f:1:8: *x stands inside what it refers to"),
        ("a: !!python/object:os.system x\n", "unknown tag"),
        ("a: !!python/name:os.system\n", "unknown tag"),
        ("a: !mine {b: 1}\n", "unknown tag"),
        ("a: !!int word\n", "tag and value do not agree"),
        ("a: !!binary '*'\n", "not base64"),
        ("? [a, b]\n: 1\n", "a key must be a name"),
        ("~: 1\n", "a key must be a name"),
        ("<<: 3\n", "<< takes a mapping"),
        ("a: \x01\n", "f:1:4: not YAML"),
    ],
)
def test_what_is_refused(text, said):
    assert said in refusal(text)


def test_repeated_keys_are_all_reported_with_both_places():
    said = refusal("a: 1\nb: 2\na: 3\nb: 4\n")
    assert 'f:3:1: "a" is given twice\n  hint: it is given first at f:1:1' in said
    assert 'f:4:1: "b" is given twice' in said


def test_merge_keys_give_way_to_what_is_written():
    tree = parse_yaml("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nboth: {<<: [*b, {z: 4}]}\n")
    use, both = tree.get("use"), tree.get("both")
    assert {e.key: e.value.value for e in use.entries} == {"y": 3, "x": 1}
    assert {e.key: e.value.value for e in both.entries} == {"x": 1, "y": 2, "z": 4}


def test_an_alias_bomb_is_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    start = time.perf_counter()
    assert "aliases counted" in refusal("\n".join(lines))
    assert time.perf_counter() - start < 5


def test_a_merge_bomb_is_stopped():
    lines = ["a0: &a0 {k: 1}"]
    lines += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)]
    assert "aliases counted" in refusal("\n".join(lines))


@pytest.mark.parametrize(
    "text", ["y: " + "[" * 100_000, "y: " + "{b: " * 5000, "- " * 100_000, "? " * 5000]
)
def test_depth_is_capped(text):
    start = time.perf_counter()
    assert "nested more than 100 deep" in refusal(text)
    assert time.perf_counter() - start < 5


def test_depth_through_aliases_is_capped():
    lines = ["a0: &a0 {k: 1}"] + [f"a{i}: &a{i} {{k: *a{i - 1}}}" for i in range(1, 5000)]
    assert "nested more than 100 deep" in refusal("\n".join(lines))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"\n #,?<%@`~\t1.e"), max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        parse_yaml(text, "f")
    except ConfigError as error:
        assert error.problems[0].where.startswith("f")


def test_long_numbers():
    assert value("9" * 5000).kind is Kind.INT
    assert value("0x" + "f" * 5000).value > 2**64
