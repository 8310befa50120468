"""What YAML nets may leave out."""

import pytest

from engine.spec import parse_net


def chain(text: str) -> dict[str, tuple[list[str], list[str]]]:
    net = parse_net(text).param
    return {layer.name: (list(layer.bottom), list(layer.top)) for layer in net.layer}


def test_bottoms_continue_the_chain_and_tops_take_the_layers_name():
    assert chain("""
layer:
- {name: data, type: Input, top: [x, label]}
- {name: conv, type: Convolution}
- {name: relu, type: ReLU, top: conv}
- {name: fc, type: InnerProduct}
- {name: other, type: InnerProduct, bottom: x}
- {name: theirs, type: SomebodysOwn}
""") == {
        "data": ([], ["x", "label"]),
        "conv": (["x"], ["conv"]),
        "relu": (["conv"], ["conv"]),
        "fc": (["conv"], ["fc"]),
        "other": (["x"], ["other"]),
        "theirs": (["other"], ["theirs"]),
    }


def test_an_empty_list_means_none():
    assert chain("layer:\n- {name: a, type: A}\n- {name: b, type: B, bottom: [], top: []}") == {
        "a": ([], ["a"]),
        "b": ([], []),
    }


def test_a_layer_shared_by_alias_is_completed_in_each_place():
    text = "layer:\n- &a {name: a, type: X, top: [t]}\n- {name: b, type: Y}\n- *a\n"
    net = parse_net(text).param
    assert [list(layer.bottom) for layer in net.layer] == [[], ["t"], ["b"]]


def test_prototxt_is_taken_as_written():
    assert chain('layer { name: "a" type: "X" } layer { name: "b" type: "Y" }') == {
        "a": ([], []),
        "b": ([], []),
    }


def test_types_that_take_none_or_several_bottoms(monkeypatch):
    import layers.registry

    class Kind:
        exact_num_bottom = min_bottom = max_bottom = None
        exact_num_top = min_top = max_top = None

    class Source(Kind):
        exact_num_bottom = 0

    class Silence(Kind):
        min_bottom, exact_num_top = 1, 0

    class Loss(Kind):
        exact_num_bottom = 2

    kinds = {"S": Source, "Q": Silence, "L": Loss}
    monkeypatch.setattr(
        layers.registry, "find_layer", lambda name, engine="DEFAULT": kinds.get(name)
    )
    text = "layer:\n" + "".join(f"- {{name: {n.lower()}, type: {n}}}\n" for n in "ASQLB")
    assert chain(text) == {
        "a": ([], ["a"]),
        "s": ([], ["s"]),
        "q": (["s"], []),
        "l": ([], ["l"]),
        "b": (["l"], ["b"]),
    }


@pytest.mark.parametrize("text", ["layer: 3", "layer: [3, [4]]", "layer: [{bottom: {a: 1}}]"])
def test_wrong_trees_pass_through_to_be_reported(text):
    from engine.errors import ConfigError

    with pytest.raises(ConfigError):
        parse_net(text)
