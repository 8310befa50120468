"""Net as pycaffe users know it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import engine
from engine import DemitasseError, Net
from engine.spec import parse_net

TEXT = """
name: "small"
layer { name: "in" type: "Input" top: "data" top: "label"
        input_param { shape { dim: [2, 3] } shape { dim: 2 } } }
layer { name: "ip1" type: "InnerProduct" bottom: "data" top: "ip1"
        inner_product_param { num_output: 4 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "ip1" top: "ip1" }
layer { name: "ip2" type: "InnerProduct" bottom: "ip1" top: "ip2"
        inner_product_param { num_output: 3 weight_filler { type: "xavier" } } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip2" bottom: "label" top: "accuracy"
        include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip2" bottom: "label" top: "loss" }
"""


def make(text: str = TEXT, phase: int = engine.TRAIN, **options: object) -> Net:
    return Net(parse_net(text), phase=phase, seed=1, **options)


def feed(net: Net) -> dict[str, np.ndarray]:
    return net.forward(data=np.arange(6).reshape(2, 3), label=np.array([0, 2]))


def test_forward_returns_the_outputs() -> None:
    outputs = feed(make())
    assert set(outputs) == {"loss"} and outputs["loss"].shape == ()
    assert set(feed(make(phase=engine.TEST))) == {"accuracy", "loss"}


def test_backward_starts_from_the_losses() -> None:
    net = make()
    feed(net)
    net.backward()
    assert net.blobs["loss"].diff == 1
    assert np.abs(net.params["ip1"][0].diff).max() > 0
    before = net.params["ip1"][0].diff.copy()
    net.backward()
    np.testing.assert_array_equal(net.params["ip1"][0].diff, 2 * before)
    net.clear_param_diffs()
    assert not net.params["ip1"][0].diff.any()


def test_no_gradient_where_none_is_wanted() -> None:
    net = make()
    assert dict(zip(net.layer_names, net.nodes, strict=True))["ip1"].propagate_down == [False]
    forced = make("force_backward: true\n" + TEXT)
    assert dict(zip(forced.layer_names, forced.nodes, strict=True))["ip1"].propagate_down == [True]
    loss = forced.nodes[forced.layer_names.index("loss")]
    assert loss.propagate_down == [True, False], "labels have no gradient, forced or not"


def test_frozen_layers_stop_the_gradient() -> None:
    frozen = TEXT.replace(
        'name: "ip1" type: "InnerProduct"',
        'name: "ip1" type: "InnerProduct" param { lr_mult: 0 } param { lr_mult: 0 }',
    )
    net = make(frozen)
    needed = {
        name: node.need_backward for name, node in zip(net.layer_names, net.nodes, strict=True)
    }
    assert needed == {"in": False, "ip1": False, "relu": False, "ip2": True, "loss": True}


def test_propagate_down_cuts_the_gradient() -> None:
    cut = TEXT.replace('name: "ip2" type', 'name: "ip2" propagate_down: false type')
    net = make(cut)
    needed = {
        name: node.need_backward for name, node in zip(net.layer_names, net.nodes, strict=True)
    }
    assert needed["ip2"] and not needed["ip1"] and not needed["relu"]


def test_range_of_layers() -> None:
    net = make()
    feed(net)
    outputs = net.forward(start="ip2", end="ip2")
    assert set(outputs) == {"ip2"}
    with pytest.raises(DemitasseError, match="no layer"):
        net.forward(start="ip3")
    assert set(net.forward(blobs=["ip1"])) == {"loss", "ip1"}


def test_inputs_are_checked() -> None:
    with pytest.raises(DemitasseError, match="every input"):
        make().forward(data=np.zeros((2, 3)))
    with pytest.raises(DemitasseError, match="does not fit the weights"):
        make().forward(data=np.zeros((2, 4)), label=np.zeros(2))


def test_a_refused_shape_leaves_the_net_as_it_was() -> None:
    net = make()
    before = float(feed(net)["loss"])
    with pytest.raises(DemitasseError):
        net.forward(data=np.zeros((2, 4)), label=np.zeros(2))
    assert float(feed(net)["loss"]) == before


def test_another_batch_size() -> None:
    net = make()
    net.forward(data=np.ones((5, 3)), label=np.zeros(5))
    assert net.blobs["ip2"].data.shape == (5, 3)
    net.backward()
    net.blobs["data"].reshape(7, 3)
    net.blobs["label"].reshape(7)
    net.reshape()
    assert net.blobs["ip2"].shape == (7, 3)


def test_save_and_copy_from(tmp_path: Path) -> None:
    net, other = make(), Net(parse_net(TEXT), phase=engine.TEST, seed=2)
    net.save(tmp_path / "a.caffemodel")
    other.copy_from(tmp_path / "a.caffemodel")
    for name, blobs in net.params.items():
        for mine, theirs in zip(blobs, other.params[name], strict=True):
            np.testing.assert_array_equal(mine.data, theirs.data)


def test_copying_another_shape_is_refused(tmp_path: Path) -> None:
    make().save(tmp_path / "a.caffemodel")
    with pytest.raises(DemitasseError, match="ip2.*parameter 0"):
        make(TEXT.replace("num_output: 3", "num_output: 5")).copy_from(tmp_path / "a.caffemodel")


def test_pycaffe_positional_forms(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(TEXT)
    make().save(tmp_path / "a.caffemodel")
    assert Net(str(path), engine.TRAIN).phase == engine.TRAIN
    assert Net(str(path), str(tmp_path / "a.caffemodel"), engine.TEST).phase == engine.TEST


def test_loss_weight_and_diff_follow_a_reshape() -> None:
    weighted = TEXT.replace('top: "loss" }', 'top: "loss" loss_weight: 0.5 }')
    net = make(weighted)
    feed(net)
    assert net.forward_backward() == pytest.approx(0.5 * float(net.blobs["loss"].data))
    assert net.blobs["loss"].diff == 0.5


def test_shared_parameters_add_their_gradients() -> None:
    text = """
    layer { name: "in" type: "Input" top: "a" input_param { shape { dim: [2, 3] } } }
    layer { name: "p" type: "InnerProduct" bottom: "a" top: "b" param { name: "w" }
            inner_product_param { num_output: 3 bias_term: false weight_filler {type: "xavier"}} }
    layer { name: "q" type: "InnerProduct" bottom: "b" top: "c" param { name: "w" }
            inner_product_param { num_output: 3 bias_term: false } }
    """
    net = make("force_backward: true\n" + text, dtype=np.float64)
    w, shared = net.params["p"][0], net.params["q"][0]
    assert len(net.learnable) == 1 and np.shares_memory(w.data, shared.data)
    assert np.shares_memory(w.diff, shared.diff)
    x = np.random.default_rng(0).normal(size=(2, 3))
    net.forward(a=x)
    net.backward(c=np.ones((2, 3)))
    top = np.ones((2, 3))
    expected = top.T @ net.blobs["b"].data + (top @ w.data).T @ x
    np.testing.assert_allclose(w.diff, expected)


def test_permissive_sharing_compares_counts() -> None:
    text = """
    layer {{ name: "in" type: "Input" top: "a" input_param {{ shape {{ dim: [2, 6] }} }} }}
    layer {{ name: "p" type: "InnerProduct" bottom: "a" top: "b" param {{ name: "w" }}
            inner_product_param {{ num_output: 2 bias_term: false }} }}
    layer {{ name: "r" type: "Reshape" bottom: "a" top: "c"
            reshape_param {{ shape {{ dim: [4, 3] }} }} }}
    layer {{ name: "q" type: "InnerProduct" bottom: "c" top: "d"
            param {{ name: "w" share_mode: {mode} }}
            inner_product_param {{ num_output: 4 bias_term: false }} }}
    """
    net = make(text.format(mode="PERMISSIVE"))
    assert np.shares_memory(net.params["p"][0].data, net.params["q"][0].data)
    with pytest.raises(DemitasseError, match="PERMISSIVE"):
        make(text.format(mode="STRICT"))


def test_debug_info_names_what_it_sees(caplog: pytest.LogCaptureFixture) -> None:
    net = make("debug_info: true\n" + TEXT)
    with caplog.at_level("INFO", "demitasse"):
        feed(net)
        net.backward()
    assert "[forward] layer ip1, top ip1" in caplog.text
    assert "[backward] layer ip2, param 0" in caplog.text


def test_debug_info_names_the_first_layer_that_makes_nan(caplog: pytest.LogCaptureFixture) -> None:
    text = """
    layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [2] } } }
    layer { name: "fine" type: "Power" bottom: "x" top: "y" power_param { scale: 2 } }
    layer { name: "culprit" type: "Log" bottom: "y" top: "z" }
    layer { name: "victim" type: "Power" bottom: "z" top: "w" power_param { scale: 2 } }
    """
    net = make("debug_info: true\n" + text)
    with np.errstate(all="ignore"), caplog.at_level("WARNING", "demitasse"):
        net.forward(x=np.array([1.0, -1.0]))
    (warning,) = caplog.messages
    assert 'layer "culprit" (Log) is the first to hold NaN' in warning


def test_errors_name_file_line_layer_and_bottoms(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(TEXT.replace("num_output: 3", "num_output: 3 axis: 5"))
    with pytest.raises(DemitasseError) as refusal:
        Net(path, phase=engine.TRAIN)
    message = str(refusal.value)
    assert f"{path}:8" in message and 'layer "ip2"' in message and '"ip1" (2, 4)' in message


@pytest.mark.parametrize(
    "extra, words",
    [
        ('layer { name: "x" type: "Relu" bottom: "ip2" top: "y" }', 'did you mean "ReLU"'),
        ('layer { name: "x" type: "ReLU" bottom: "ip3" top: "y" }', 'did you mean "ip2"'),
        ('layer { name: "x" type: "ReLU" bottom: "data" top: "ip2" }', "already makes"),
        ('layer { name: "x" type: "ReLU" bottom: "ip2" }', "tops"),
        (
            'layer { name: "ip1" type: "InnerProduct" bottom: "ip2" top: "y" '
            "inner_product_param { num_output: 2 } }",
            "the name of another layer with parameters",
        ),
        ('layer { name: "x" type: "ReLU" bottom: "ip2" top: "y" loss_weight: [1, 2] }', "loss_w"),
    ],
)
def test_nets_that_do_not_hold_together(extra: str, words: str) -> None:
    with pytest.raises(DemitasseError, match=words):
        make(TEXT + extra)


def test_a_blob_that_only_the_other_phase_makes() -> None:
    text = """
    layer { name: "d" type: "Input" top: "x" input_param { shape { dim: 2 } }
            include { phase: TEST } }
    layer { name: "relu" type: "ReLU" bottom: "x" top: "y" }
    """
    with pytest.raises(DemitasseError) as refusal:
        make(text)
    assert '<text>:4:5, layer "relu"' in str(refusal.value)
    assert 'layer "d" makes it, but is not included in TRAIN' in str(refusal.value)


def test_in_place_is_for_layers_that_can() -> None:
    text = """
    layer { name: "d" type: "Input" top: "x" input_param { shape { dim: [3, 3] } } }
    layer { name: "ip" type: "InnerProduct" bottom: "x" top: "x"
            inner_product_param { num_output: 3 } }
    """
    with pytest.raises(DemitasseError, match='cannot run in place on "x"'):
        make(text)


def test_backward_needs_a_forward() -> None:
    with pytest.raises(DemitasseError, match="forward"):
        make().backward()


def test_a_blob_beyond_all_memory_is_named() -> None:
    text = """
    layer { name: "d" type: "Input" top: "vast"
            input_param { shape { dim: [1000000, 1000000, 1000000] } } }
    """
    with pytest.raises(DemitasseError, match='blob "vast" .* too large'):
        make(text).forward()


def test_input_fields_of_old_deploy_files() -> None:
    for declared in (
        "input_dim: 2 input_dim: 3 input_dim: 1 input_dim: 1",
        "input_shape { dim: [2, 3, 1, 1] }",
    ):
        text = f'input: "x" {declared} layer {{ name: "s" type: "Sigmoid" bottom: "x" top: "y" }}'
        net = make(text)
        assert net.inputs == ["x"] and net.blobs["x"].shape == (2, 3, 1, 1)


def test_weights_of_a_seed_repeat() -> None:
    first, second = make(), make()
    np.testing.assert_array_equal(first.arena.data, second.arena.data)
    assert (first.arena.data != Net(parse_net(TEXT), phase=0, seed=2).arena.data).any()


def test_shapes_follow_what_a_layer_learns_while_it_runs() -> None:
    """Filter knows how many samples it lets through only in forward."""
    text = """
    layer { name: "in" type: "Input" top: "x" top: "keep"
            input_param { shape { dim: [4, 3] } shape { dim: 4 } } }
    layer { name: "filter" type: "Filter" bottom: "x" bottom: "keep" top: "kept" }
    layer { name: "ip" type: "InnerProduct" bottom: "kept" top: "ip"
            inner_product_param { num_output: 2 weight_filler { type: "xavier" } } }
    """
    net = make(text)
    for keep in ([1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 1]):
        net.forward(x=np.ones((4, 3)), keep=np.array(keep))
        assert net.blobs["ip"].data.shape == (sum(keep), 2)
