"""The text format reader: equal to protobuf's own on good text, precise on bad."""

import time

import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.schema import BlobProto, Datum, LayerParameter, NetParameter, SolverParameter
from engine.spec.node import Kind, Mapping, Scalar
from engine.spec.prototxt import parse_prototxt
from tests.harness.spec_messages import SHARED, messages, read_as

REAL = sorted([*SHARED.glob("models/**/*.prototxt"), *SHARED.glob("caffe_golden/**/*.prototxt")])


@pytest.mark.skipif(not REAL, reason="../shared is not beside the checkout")
def test_every_real_file_reads_as_protobuf_reads_it():
    for path in REAL:
        text = path.read_text()
        is_solver = "solver" in path.name or "base_lr" in text
        kind = SolverParameter if is_solver else NetParameter
        message, problems = read_as(kind, text)
        assert not problems, path
        assert message == text_format.Parse(text, kind()), path


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_what_protobuf_prints_is_read(data):
    kind = data.draw(st.sampled_from([NetParameter, SolverParameter, LayerParameter, Datum]))
    message = data.draw(messages(kind))
    options = {"as_utf8": data.draw(st.booleans()), "as_one_line": data.draw(st.booleans())}
    text = text_format.MessageToString(message, **options, use_short_repeated_primitives=True)
    assert read_as(kind, text) == (message, [])


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("nametypbolr:{}<>[];,\"' \n\\#0x12.e+-f"), max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text):
    try:
        parse_prototxt(text, "f")
    except ConfigError as error:
        assert error.problems[0].where.startswith("f:")


@pytest.mark.parametrize(
    "text",
    [
        "layer { name: 'a' } # comment",
        "layer: { name: 'a' }",
        "layer < name: 'a' >;",
        "layer [{ name: 'a' }, < name: 'b' >],",
        "layer: []",
        "input_dim: [1, 0x1F, 017]; input_dim: 3, input_dim: -4",
        "input_dim: - 5",
        r"""name: "a\n\t\"\'\101\x41\u00e9\U0001F600\ud83d\ude00" 'b' "c" """,
        "state { phase: TEST } state2: 1".replace(" state2: 1", ""),
        "state { phase: 1 level: -2 }",
        "force_backward: true",
        "force_backward: True",
        "force_backward: t",
        "force_backward: 1",
        "force_backward: f debug_info: False",
        "layer { loss_weight: [1, 1.5, .5, 2., 1e3, 1E-3f, 3f, 1.5F, inf, -inf, - 7] }",
        "layer { loss_weight: 1 loss_weight: INF loss_weight: -infinity }",
        "\ufeffname: 'x'",
        "name: 'é'",
        "",
        "# nothing\n",
    ],
)
def test_forms_that_text_format_allows(text):
    message, problems = read_as(NetParameter, text)
    assert not problems
    # Caffe reads these by protobuf's C++ parser, and protobuf's Python parser does not.
    plain = text.lstrip("\ufeff").replace("1.5F", "1.5").replace("- ", "-")
    plain = plain.replace(r"\ud83d\ude00", r"\U0001F600")
    assert message == text_format.Parse(plain, NetParameter())


def test_nan_with_and_without_sign():
    message, problems = read_as(LayerParameter, "loss_weight: nan loss_weight: -nan")
    assert not problems
    assert all(value != value for value in message.loss_weight)


@pytest.mark.parametrize(
    "text",
    [
        "name 'a'", "name: ", "layer { name: 'a'", "layer { } }", "layer { >", "name: 'a",
        "name: a b", "input_dim: [1, 2", "input_dim: [1, , 2]", "input_dim: [1,]",
        "input_dim [1]", "input_dim: 08", "input_dim: 1x", "input_dim: 0x",
        "layer { loss_weight: 1.2.3 }", "name: '\\ud800'", "name: '\\U00110000'", ": 3",
        "name: 'a' ;; name: 'b'", "name: @", "layer: [{ }, { ]", "[a.b]: 3", "name: 'a\nb'",
        "layer { loss_weight: 012 }", "name: '\\xff'", "layer { loss_weight: 0x10 }",
        "layer { loss_weight: -x }", "name: conv", "state: 3", "name: 'a' name: 'b'",
        "state { phase: 7 }", "state { phase: 'TEST' }", "input_dim: 2147483648",
        "force_backward: 2", "force_backward: TRUE", "name: [ 'a' ]", "input_dim: 1.0",
    ],
)  # fmt: skip
def test_what_protobuf_refuses_is_refused(text):
    with pytest.raises((text_format.ParseError, UnicodeDecodeError)):
        text_format.Parse(text, NetParameter())
    try:
        assert read_as(NetParameter, text)[1]
    except ConfigError as error:
        assert error.problems[0].where.startswith("net.prototxt:1:")


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_prototxt(text, "f")
    return str(caught.value)


def test_an_unclosed_brace_is_told_where_it_was_opened():
    text = "name: 'n'\nlayer {\n  name: 'a'\n  pooling_param {\n    pool: MAX\n"
    assert refusal(text) == (
        'f:6:1: "{" of f:4:17 is never closed\n  got: the end of the file\n  expected: "}"'
    )


def test_a_wrong_closer_names_what_it_should_close():
    assert refusal("a {\n  b: 1\n>") == (
        'f:3:1: syntax error\n  got: >\n  expected: a field name or "}" closing the "{" of f:1:3'
    )


def test_a_path_without_quotes_is_explained():
    assert "f:1:12: unexpected character\n  got: /" in refusal("net: models/lenet.prototxt")
    assert "need quotes" in refusal("net: models/lenet.prototxt")
    assert "a string needs quotes" in refusal("source: train-lmdb")


def test_locations_count_lines_and_columns_from_one():
    tree = parse_prototxt("# first\nname: 'n'\n\n  layer {\n\ttop: 'x' }", "f")
    assert str(tree.entries[0].location) == "f:2:1"
    assert str(tree.entries[1].location) == "f:4:3"
    layer = tree.entries[1].value
    assert isinstance(layer, Mapping)
    assert layer.entries[0].value == Scalar(
        Kind.QUOTED, b"x", "'x'", layer.entries[0].value.location
    )
    assert str(layer.entries[0].value.location) == "f:5:7"


def test_nesting_is_capped():
    assert "nested more than 100 deep" in refusal("a {" * 200_000)
    assert "nested more than 100 deep" in refusal("a <" * 101)
    parse_prototxt("a {" * 100 + "}" * 100)


@pytest.mark.parametrize("escape", ["\\q", "\\777", "\\x", "\\u12", "\\ud800", "\\ude00"])
def test_bad_escapes(escape):
    assert refusal(f"name:\n 'a{escape}'").startswith("f:2:2: ")


def test_a_long_file_and_long_numbers_take_linear_time():
    start = time.perf_counter()
    parse_prototxt('layer { name: "a" top: "b" loss_weight: 1.5 }\n' * 20_000, "f")
    parse_prototxt("a: " + "9" * 1_000_000, "f")
    parse_prototxt('a: "' + "\\n" * 500_000 + '"', "f")
    refusal('a: "' + "\\n" * 500_000)
    assert time.perf_counter() - start < 20
    assert "out of range" in read_as(NetParameter, "input_dim: " + "9" * 5000)[1][0]


@pytest.mark.parametrize("size", [1, 8])
def test_blobs_in_text(size):
    blob = BlobProto(data=[0.1] * size, double_data=[0.1] * size)
    assert read_as(BlobProto, text_format.MessageToString(blob)) == (blob, [])
