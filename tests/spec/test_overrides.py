"""--set overrides."""

import pytest

from engine.errors import ConfigError
from engine.schema import SolverParameter
from engine.spec import apply_overrides, parse_net

NET = """
input_shape { dim: 1 dim: 2 }
layer { name: "conv1" type: "Convolution" convolution_param { num_output: 3 pad: 1 pad: 2 } }
layer { name: "data" type: "Data" include { phase: TRAIN } data_param { batch_size: 1 } }
layer { name: "data" type: "Data" include { phase: TEST } data_param { batch_size: 2 } }
layer { name: "block.conv" type: "Convolution" }
layer { name: "clip" type: "Clip" clip_param { min: 0 max: 1 } }
"""


def changed(*overrides: str):
    net = parse_net(NET).param
    apply_overrides(net, overrides, "net")
    return net


def refusal(*overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        changed(*overrides)
    return str(caught.value)


def test_fields_of_a_solver():
    solver = SolverParameter(stepvalue=[1, 2], type="SGD")
    overrides = ["solver.base_lr=5e-3", "solver.stepvalue=[7, 8]", "solver.type=Adam"]
    overrides += ["net.name=left alone", "solver.test_iter=4", "solver.solver_mode=GPU"]
    apply_overrides(solver, overrides, "solver")
    assert solver.base_lr == pytest.approx(0.005) and list(solver.stepvalue) == [7, 8]
    assert (solver.type, list(solver.test_iter), solver.solver_mode) == ("Adam", [4], 1)


def test_a_length_replaces_the_same_in_the_other_unit():
    solver = SolverParameter(max_epoch=20, test_epoch=1, snapshot=500)
    apply_overrides(solver, ["solver.max_iter=30", "solver.snapshot_epoch=2"], "solver")
    assert solver == SolverParameter(max_iter=30, test_epoch=1, snapshot_epoch=2)
    apply_overrides(solver, ["solver.max_epoch=1", "solver.max_iter=5"], "solver")
    assert (solver.max_epoch, solver.max_iter) == (1, 5)  # which DM409 refuses


def test_layers_by_name_and_by_position():
    assert (
        changed("net.layer.conv1.convolution_param.num_output=64")
        .layer[0]
        .convolution_param.num_output
        == 64
    )
    assert list(changed("net.layer.0.convolution_param.pad=5").layer[0].convolution_param.pad) == [
        5
    ]
    assert changed("net.layer.block.conv.type=X").layer[3].type == "X"
    both = changed("net.layer.data.data_param.batch_size=9")
    assert [layer.data_param.batch_size for layer in both.layer[1:3]] == [9, 9]
    assert changed("net.layer.data.include.0.min_level=1").layer[2].include[0].min_level == 1


def test_messages_lists_and_strings():
    net = changed(
        "net.layer.clip.clip_param={min: 1, max: 2}",
        "net.layer.conv1.param=[{lr_mult: 1}, {lr_mult: 2}]",
        "net.layer.conv1.bottom=[a, '1', 2]",
        "net.layer.data.top=12",
        "net.name=true",
    )
    assert net.layer[4].clip_param.max == 2
    assert [param.lr_mult for param in net.layer[0].param] == [1, 2]
    assert list(net.layer[0].bottom) == ["a", "1", "2"] and list(net.layer[1].top) == ["12"]
    assert net.name == "true"
    assert changed("net.name=").name == "" and changed("net.name=a: b = c").name == "a: b = c"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("net.nam=x", 'unknown field "nam" in net\n  expected: a field of NetParameter\n'),
        ("net.layer.conv2.type=x", 'no layer "conv2" in net'),
        ("net.layer.conv2.type=x", 'did you mean "conv1"?'),
        ("net.layer.99.type=x", "a number from 0 to 4"),
        ("net.layer.conv1=x", '"net.layer.conv1" is a whole layer'),
        ("net.layer.conv1.convolution_param.num_outputs=3", 'did you mean "num_output"?'),
        ("net.layer.conv1.convolution_param.num_output=many", "expected: an integer"),
        ("net.layer.conv1.convolution_param.num_output=-1", "out of range"),
        ("net.layer.conv1.convolution_param.num_output.x=1", "has no fields"),
        ("net.layer.conv1.convolution_param.num_output=", "got: nothing"),
        ("net.layer.clip.clip_param={min: 1}", '"max" is missing'),
        ("net.layer.conv1.convolution_param={a: [", "not YAML"),
        ("net.input.0.x=1", '"net.input" has no fields'),
        ("net.layers.0.name=1", "it has no layers"),
        ("name=x", 'unknown root "name"'),
        ("nett.name=x", 'did you mean "net"?'),
        ("net=x", "a path is names joined by dots"),
        ("net..name=x", "a path is names joined by dots"),
        ("net.name", "an override needs a value"),
    ],
)
def test_what_is_refused(override, said):
    assert said in refusal(override)
    assert refusal(override).startswith(f"--set {override}: ")


def test_all_problems_come_together_and_wrong_values_leave_the_old():
    assert refusal("net.x=1", "net.y=2").startswith("2 problems:")
    net = parse_net(NET).param
    with pytest.raises(ConfigError):
        apply_overrides(net, ["net.layer.conv1.convolution_param.pad=[1, x]"], "net")
    assert list(net.layer[0].convolution_param.pad) == [1, 2]
