"""Names that other frameworks use are answered with the name that a layer or field has here."""

from __future__ import annotations

import pytest

from engine.errors import ConfigError
from engine.schema import FillerParameter, LayerParameter, SolverParameter
from engine.spec import parse_net
from engine.spec.fields import fields_of
from layers import layer_types
from layers.synonyms import _FIELD_OF, _TYPE_OF, known_field, known_type


def test_every_type_and_field_named_is_there() -> None:
    assert set(_TYPE_OF.values()) <= set(layer_types())
    messages = [LayerParameter, SolverParameter, FillerParameter]
    groups = [f.message_type for f in LayerParameter.DESCRIPTOR.fields if f.message_type]
    known = {name for m in messages for name in fields_of(m.DESCRIPTOR)}
    known |= {name for group in groups for name in fields_of(group)}
    assert set(_FIELD_OF.values()) <= known


def test_what_is_known_under_its_own_name_only_gets_the_nearest() -> None:
    assert known_type("Conv2d", layer_types()) == '"Conv2d" is called "Convolution" here'
    assert known_type("Convolutin", layer_types()) == 'did you mean "Convolution"?'
    assert known_field("lr", ["base_lr"]) == '"lr" is called "base_lr" here'
    assert known_field("lr", ["axis"]) == ""


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("{num_output: '20'}", "write 20 without quotes"),
        ("{num_output: 1_000}", "write 1000"),
        ("{num_output: 2k}", "write 2000"),
        ("{num_output: 2M}", "write 2000000"),
        ("{num_output: 20, bias_term: 'no'}", "write false (without quotes)"),
        ("{num_output: $N}", "a variable is written ${N}, one of the environment ${env:N}"),
        ("{num_output: 20, weight_filler: {std: '0,1'}}", "write 0.1"),
        ("{num_output: 20, weight_filler: {std: '0.1,'}}", "write 0.1"),
        ("{num_output: twenty}", ""),
    ],
)
def test_numbers_as_people_write_them(written: str, hint: str) -> None:
    layer = f"{{name: a, type: InnerProduct, bottom: [], inner_product_param: {written}}}"
    with pytest.raises(ConfigError) as caught:
        parse_net(f"layer: [{layer}]")
    assert [problem.hint for problem in caught.value.problems] == [hint]
