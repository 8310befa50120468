"""Variables in YAML configs: arithmetic, types, the environment, and what grows without end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigError
from engine.schema import LayerParameter
from engine.spec import parse_net, parse_solver
from engine.spec.expression import BadExpression, calculate, escape, split


def layers(text: str, overrides: tuple[str, ...] = ()) -> list[LayerParameter]:
    return list(parse_net(text, "net.yaml", overrides).param.layer)


def value(expression: str, **variables: object) -> object:
    """What num_output or, for floats, a scale is set to by an expression."""
    lines = "".join(f"  {name}: {given}\n" for name, given in variables.items()) or "  none: 0\n"
    text = f"vars:\n{lines}layer:\n- power_param: {{scale: '${{{expression}}}'}}\n"
    return layers(text)[0].power_param.scale


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("batch", 64),
        ("2 * width + 1", 9),
        ("2 * (width + 1)", 10),
        ("7 // 2", 3),
        ("7 / 2", 3.5),
        ("8 / 2", 4),
        ("7 % 4", 3),
        ("-width", -4),
        ("- -width", 4),
        ("2 - 1 - 1", 0),
        ("2*3*4", 24),
        ("1e-1 * 5", 0.5),
        (".5+1.", 1.5),
        ("batch//width*2", 32),
        ("((((1))))", 1),
    ],
)
def test_arithmetic(expression: str, expected: float) -> None:
    assert value(expression, batch=64, width=4) == expected


def test_types_are_kept() -> None:
    text = """
vars: {n: 20, rate: 0.5, on: true, kind: MAX, dims: [1, 2], filler: {type: xavier}, word: "12"}
layer:
- name: ${word}
  type: a${n}b${rate}c${on}d${kind}
  input_param: {shape: {dim: "${dims}"}}
  convolution_param: {num_output: "${n / 2}", bias_term: "${on}", weight_filler: "${filler}"}
  pooling_param: {pool: "${kind}"}
"""
    (layer,) = layers(text)
    assert (layer.name, layer.type) == ("12", "a20b0.5ctruedMAX")
    assert list(layer.input_param.shape[0].dim) == [1, 2]
    convolution = layer.convolution_param
    assert (convolution.num_output, convolution.bias_term) == (10, True)
    assert convolution.weight_filler.type == "xavier"
    assert layer.pooling_param.pool == layer.pooling_param.MAX


def test_variables_name_variables_in_any_order() -> None:
    assert value("c", c='"${2 * b}"', b='"${a + 1}"', a=1) == 4


def test_dollars_without_braces_are_text() -> None:
    (layer,) = layers("layer:\n- {name: 'a$b$${c}$$$${d}', type: '$'}\n")
    assert (layer.name, layer.type) == ("a$b${c}$$${d}", "$")


@given(st.text(alphabet="${}ab \\n"))
def test_escaped_text_is_itself(text: str) -> None:
    assert "".join(str(piece) for piece in split(escape(text))) == text


@given(st.text(alphabet="0123456789.+-*/%() ae", max_size=30))
def test_calculate_ends_in_a_number_or_an_error(text: str) -> None:
    try:
        assert isinstance(calculate(text, lambda name: 3), int | float)
    except BadExpression as error:
        assert error.what


@given(st.recursive(
    st.integers(0, 99).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({''.join(p)})"),
    max_leaves=10,
))  # fmt: skip
def test_calculate_agrees_with_python(text: str) -> None:
    try:
        assert calculate(text, lambda name: 0) == eval(text)
    except BadExpression as error:
        assert error.what == "the number is too large"


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMI_BATCH", "32")
    monkeypatch.delenv("DEMI_NONE", raising=False)
    text = """
vars: {batch: "${env:DEMI_BATCH}"}
layer:
- name: ${env:DEMI_NONE:a/b:c}
  type: x${env:DEMI_NONE:}y
  memory_data_param: {batch_size: "${2 * batch}", height: "${env:DEMI_NONE:7}"}
"""
    (layer,) = layers(text)
    assert (layer.name, layer.type) == ("a/b:c", "xy")
    assert (layer.memory_data_param.batch_size, layer.memory_data_param.height) == (64, 7)


def test_settings_from_outside() -> None:
    text = "vars: {n: 1, m: '${2 * n}'}\nlayer: [{convolution_param: {num_output: '${m}'}}]\n"
    assert layers(text, ("vars.n=5",))[0].convolution_param.num_output == 10


def test_solver_and_net_share_variables() -> None:
    text = (
        "vars: {n: 7}\nsolver: {max_iter: '${n}', snapshot_prefix: 'a${n}'}\nnet: {name: 'n${n}'}\n"
    )
    spec = parse_solver(text, "s.yaml")
    assert (spec.param.max_iter, spec.param.snapshot_prefix) == (7, "a7")
    assert spec.net is not None and spec.net.param.name == "n7"


def test_prototxt_is_left_alone() -> None:
    net = parse_net('name: "${x}" layer { name: "$${y}" type: "Input" }', "net.prototxt").param
    assert (net.name, net.layer[0].name) == ("${x}", "$${y}")


BOMBS = {
    "blocks": "blocks:\n"
    + "".join(
        f"  b{n}: {{layer: [{{block: b{n + 1}, name: x}}, {{block: b{n + 1}, name: y}}]}}\n"
        for n in range(40)
    )
    + "  b40: {layer: [{name: z, type: ReLU}]}\nlayer: [{block: b0, name: n}]\n",
    "repeat": "blocks: {b: {layer: [{name: z, type: ReLU}]}}\n"
    "layer: [{block: b, name: n, repeat: 1000000000000}]\n",
    "text": "vars:\n  a0: aaaaaaaaaa\n"
    + "".join(f'  a{n}: "${{a{n - 1}}}${{a{n - 1}}}"\n' for n in range(1, 40))
    + "layer: [{name: '${a39}'}]\n",
    "lists": "vars:\n  a0: [1, 2]\n"
    + "".join(f'  a{n}: ["${{a{n - 1}}}", "${{a{n - 1}}}"]\n' for n in range(1, 40))
    + "layer: [{name: '${a39}'}]\n",
    "numbers": "vars:\n  a0: 10\n"
    + "".join(f'  a{n}: "${{a{n - 1} * a{n - 1}}}"\n' for n in range(1, 40))
    + "layer: [{name: 'x${a39}'}]\n",
    "chain": "vars:\n  a0: 10\n"
    + "".join(f'  a{n}: "${{a{n + 1}}}"\n' for n in range(1, 2000))
    + "layer: [{name: 'x${a1}'}]\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_in_an_error(name: str) -> None:
    with pytest.raises(ConfigError):
        parse_net(BOMBS[name], "net.yaml")
