"""Older nets and solvers become what real Caffe's upgrade tools make of them."""

from pathlib import Path

import pytest
from google.protobuf import text_format

from engine.schema import TRAIN, NetParameter, PoolingParameter, SolverParameter, V1LayerParameter
from engine.spec.upgrade import upgrade_net, upgrade_solver
from engine.spec.upgrade.v1 import modern_type
from layers.errors import DemitasseError

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared"


def net_of(text: str) -> NetParameter:
    return text_format.Parse(text, NetParameter())


def solver_of(text: str) -> SolverParameter:
    return text_format.Parse(text, SolverParameter())


def golden(name: str) -> Path:
    folder = SHARED / "caffe_golden" / "files" / name
    if not folder.is_dir():
        pytest.skip(f"no {name} beside the checkout, in ../shared/caffe_golden/files")
    return folder


# --- what real Caffe wrote -------------------------------------------------------------------

NET_CASES = [
    "upgrade_already_new",
    "upgrade_batchnorm",
    "upgrade_input_fields_dim",
    "upgrade_v0_conv",
    "upgrade_v1_conv",
    "upgrade_v1_imagedata",
]
SOLVER_CASES = ["upgrade_solver_default_sgd", "upgrade_solver_nesterov"]


@pytest.mark.parametrize("name", NET_CASES)
def test_nets_become_what_caffe_makes_of_them(name):
    folder = golden(name)
    net = net_of((folder / "in.prototxt").read_text())
    notices = upgrade_net(net)
    assert net == net_of((folder / "out.prototxt").read_text())
    assert bool(notices) == (name != "upgrade_already_new")
    assert upgrade_net(net) == []


@pytest.mark.parametrize("name", SOLVER_CASES)
def test_solvers_become_what_caffe_makes_of_them(name):
    folder = golden(name)
    solver = solver_of((folder / "in.prototxt").read_text())
    assert upgrade_solver(solver)
    assert solver == solver_of((folder / "out.prototxt").read_text())


def test_weights_become_what_caffe_makes_of_them():
    folder = golden("upgrade_bin_v1")
    net = NetParameter.FromString((folder / "in.caffemodel").read_bytes())
    assert upgrade_net(net)
    assert net == NetParameter.FromString((folder / "out.caffemodel").read_bytes())


def test_every_model_upgrades_and_keeps_its_blobs():
    paths = sorted((SHARED / "models").glob("*/*.caffemodel"))
    if not paths:
        pytest.skip("no models beside the checkout, in ../shared/models")
    for path in paths:
        net = NetParameter.FromString(path.read_bytes())
        before = [layer.blobs[0].ByteSize() for layer in (*net.layer, *net.layers) if layer.blobs]
        upgrade_net(net)
        assert not net.layers and not net.input, path
        after = [layer.blobs[0].ByteSize() for layer in net.layer if layer.blobs]
        assert after == before, path
        assert all(layer.type for layer in net.layer), path
        assert upgrade_net(net) == [], path


def test_every_model_text_upgrades():
    paths = sorted((SHARED / "models").glob("*/*.prototxt"))
    if not paths:
        pytest.skip("no models beside the checkout, in ../shared/models")
    for path in paths:
        if "solver" in path.name:
            upgrade_solver(solver_of(path.read_text()))
            continue
        net = net_of(path.read_text())
        upgrade_net(net)
        assert net.layer and not net.layers and not net.input, path
        assert upgrade_net(net) == [], path


# --- small cases that need no files ----------------------------------------------------------


def test_a_net_of_today_is_left_alone():
    net = net_of('layer { name: "r" type: "ReLU" bottom: "x" top: "r" }')
    before = NetParameter.FromString(net.SerializeToString())
    assert upgrade_net(net) == []
    assert net == before


def test_v0_options_go_to_the_messages_of_their_types():
    net = net_of("""
        input: "x" input_dim: 1 input_dim: 2 input_dim: 8 input_dim: 8
        layers { bottom: "x" top: "p" layer { name: "pad" type: "padding" pad: 2 } }
        layers { bottom: "p" top: "c" layer {
          name: "conv" type: "conv" num_output: 4 kernelsize: 5 biasterm: false
          blobs_lr: 1 weight_decay: 0 blobs { num: 1 data: 3 } } }
        layers { bottom: "c" top: "q" layer { name: "pool" type: "pool" pool: AVE kernelsize: 2 } }
    """)
    notices = upgrade_net(net)
    assert net == net_of("""
        layer { name: "input" type: "Input" top: "x"
          input_param { shape { dim: 1 dim: 2 dim: 8 dim: 8 } } }
        layer { name: "conv" type: "Convolution" bottom: "x" top: "c"
          param { lr_mult: 1 decay_mult: 0 } blobs { num: 1 data: 3 }
          convolution_param { num_output: 4 kernel_size: 5 pad: 2 bias_term: false } }
        layer { name: "pool" type: "Pooling" bottom: "c" top: "q"
          pooling_param { pool: AVE kernel_size: 2 } }
    """)
    assert len(notices) == 4


def test_a_v0_option_without_a_use_is_reported():
    net = net_of('layers { layer { name: "r" type: "relu" kernelsize: 3 } }')
    assert any('"kernelsize" of layer "r"' in notice for notice in upgrade_net(net))


def test_an_unknown_v0_type_names_the_nearest():
    net = net_of('layers { layer { name: "c" type: "convv" } }')
    with pytest.raises(DemitasseError, match='did you mean "conv"'):
        upgrade_net(net)


def test_padding_before_another_type_is_an_error():
    net = net_of("""
        layers { bottom: "x" top: "p" layer { name: "pad" type: "padding" pad: 1 } }
        layers { bottom: "p" top: "r" layer { name: "r" type: "relu" } }
    """)
    with pytest.raises(DemitasseError, match='"pad"'):
        upgrade_net(net)


def test_padding_with_two_bottoms_is_an_error():
    net = net_of("""
        layers { bottom: "x" bottom: "y" top: "p" layer { name: "pad" type: "padding" pad: 1 } }
        layers { bottom: "p" top: "c" layer { name: "c" type: "conv" } }
    """)
    with pytest.raises(DemitasseError, match='layer "pad"'):
        upgrade_net(net)


def test_v1_lists_become_param_specs():
    net = net_of("""layers { name: "ip" type: INNER_PRODUCT param: "w" blob_share_mode: PERMISSIVE
        blobs_lr: 1 blobs_lr: 2 weight_decay: 0.5 include { phase: TRAIN } loss_weight: 2 }""")
    upgrade_net(net)
    assert net == net_of("""layer { name: "ip" type: "InnerProduct" include { phase: TRAIN }
        param { name: "w" share_mode: PERMISSIVE lr_mult: 1 decay_mult: 0.5 }
        param { lr_mult: 2 } loss_weight: 2 }""")
    assert net.layer[0].include[0].phase == TRAIN


V1_TYPES = {
    "ABSVAL": "AbsVal",
    "CONTRASTIVE_LOSS": "ContrastiveLoss",
    "HDF5_DATA": "HDF5Data",
    "IM2COL": "Im2col",
    "MVN": "MVN",
    "RELU": "ReLU",
    "SIGMOID_CROSS_ENTROPY_LOSS": "SigmoidCrossEntropyLoss",
    "SOFTMAX": "Softmax",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "TANH": "TanH",
    "WINDOW_DATA": "WindowData",
}


@pytest.mark.parametrize(("old", "new"), V1_TYPES.items())
def test_v1_types_get_their_names(old, new):
    assert old in V1LayerParameter.LayerType.DESCRIPTOR.values_by_name
    assert modern_type(old) == new


def test_every_data_layer_gets_a_transform_param_once_one_is_upgraded():
    net = net_of("""layers { name: "a" type: DATA data_param { scale: 0.5 } }
        layers { name: "b" type: DATA data_param { source: "db" } }""")
    upgrade_net(net)
    assert net.layer[0].transform_param.scale == 0.5
    assert not net.layer[0].data_param.HasField("scale")
    assert net.layer[1].HasField("transform_param")


def test_layer_and_layers_together_are_an_error():
    net = net_of('layer { name: "a" type: "ReLU" } layers { name: "b" type: RELU }')
    with pytest.raises(DemitasseError, match="not both"):
        upgrade_net(net)


def test_data_options_of_todays_layers_stay():
    text = 'layer { name: "d" type: "Data" data_param { source: "db" scale: 0.5 } }'
    net = net_of(text)
    assert upgrade_net(net) == []
    assert net == net_of(text)


def test_inputs_with_shapes_come_first():
    net = net_of("""input: "x" input: "y" input_shape { dim: 2 dim: 3 } input_shape { dim: 4 }
        layer { name: "r" type: "ReLU" bottom: "x" top: "r" }""")
    upgrade_net(net)
    assert [layer.name for layer in net.layer] == ["input", "r"]
    assert list(net.layer[0].top) == ["x", "y"]
    assert [list(s.dim) for s in net.layer[0].input_param.shape] == [[2, 3], [4]]


def test_inputs_without_shapes_are_dropped_with_a_notice():
    net = net_of('input: "x" layer { name: "r" type: "ReLU" }')
    assert upgrade_net(net) == ["dropped inputs without a shape: x"]
    assert len(net.layer) == 1 and not net.input


@pytest.mark.parametrize("shape", ["input_dim: 1 input_dim: 2", "input_shape {} input_shape {}"])
def test_a_wrong_number_of_shapes_is_an_error(shape):
    with pytest.raises(DemitasseError, match="does not fit"):
        upgrade_net(net_of(f'input: "x" {shape}'))


def test_only_three_specs_freeze_batch_norm():
    two = 'layer { name: "b" type: "BatchNorm" param { lr_mult: 1 } param { lr_mult: 1 } }'
    net = net_of(two)
    assert upgrade_net(net) == []
    assert net == net_of(two)


def test_ceil_mode_becomes_round_mode():
    net = net_of('layer { name: "p" type: "Pooling" pooling_param { ceil_mode: false } }')
    assert upgrade_net(net)
    assert net.layer[0].pooling_param.round_mode == PoolingParameter.FLOOR
    assert not net.layer[0].pooling_param.HasField("ceil_mode")


def test_ceil_mode_against_round_mode_is_an_error():
    net = net_of('layer { name: "p" pooling_param { ceil_mode: false round_mode: CEIL } }')
    with pytest.raises(DemitasseError, match="contradict"):
        upgrade_net(net)


@pytest.mark.parametrize(
    ("old", "new"),
    [("SGD", "SGD"), ("ADAGRAD", "AdaGrad"), ("RMSPROP", "RMSProp"), ("ADADELTA", "AdaDelta")],
)
def test_solver_types_get_their_names(old, new):
    solver = solver_of(f"solver_type: {old}")
    assert upgrade_solver(solver) == [f'solver_type: {old} became type: "{new}"']
    assert solver == solver_of(f'type: "{new}"')


def test_two_solver_types_are_an_error():
    with pytest.raises(DemitasseError, match="not both"):
        upgrade_solver(solver_of('type: "Adam" solver_type: ADAM'))


def test_nets_inside_a_solver_are_upgraded():
    solver = solver_of("""train_net_param { layers { name: "r" type: RELU } }
        test_net_param { layers { name: "t" type: TANH } }""")
    notices = upgrade_solver(solver)
    assert [n.partition(":")[0] for n in notices] == ["train_net_param", "test_net_param[0]"]
    assert solver.train_net_param.layer[0].type == "ReLU"
    assert solver.test_net_param[0].layer[0].type == "TanH"
