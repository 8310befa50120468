"""Reading nets and solvers from every form of file."""

import pytest

from engine.errors import ConfigError, DemitasseError
from engine.schema import NetParameter
from engine.spec import NetSpec, parse_net, parse_solver, read_net, read_solver, to_yaml
from tests.harness.spec_messages import SHARED

PROTOTXT = 'name: "n"\nlayer { name: "a" type: "ReLU" bottom: "x" top: "a" }\n'
YAML = "name: n\nlayer:\n- {name: a, type: ReLU, bottom: x}\n"
SOLVER = 'net: "net.prototxt"\nbase_lr: 0.5\nlr_policy: "fixed"\n'


def refusal(call, *args) -> str:
    with pytest.raises(DemitasseError) as caught:
        call(*args)
    return str(caught.value)


@pytest.mark.parametrize("name", ["n.prototxt", "n.yaml", "n.txt", "n", "n.caffemodel", "n.bin"])
def test_a_net_in_every_form(tmp_path, name):
    net = parse_net(PROTOTXT).param
    path = tmp_path / name
    if name in ("n.caffemodel", "n.bin"):
        path.write_bytes(net.SerializeToString())
    else:
        path.write_text(YAML if name == "n.yaml" else PROTOTXT)
    spec = read_net(path, ["net.name=m", "solver.base_lr=1"])
    assert spec.param.name == "m" and spec.param.layer == net.layer
    assert (spec.path, spec.base, spec.notices) == (path, tmp_path, [])
    if name == "n.prototxt":
        assert str(spec.origins.layer("a")) == f"{path}:2:1"


def test_text_is_told_apart_by_content(tmp_path):
    assert parse_net(YAML).param == parse_net(PROTOTXT).param
    path = tmp_path / "net"
    path.write_text(YAML)
    assert read_net(path).param == parse_net(YAML).param
    assert refusal(parse_net, "layer {\n name: 3 }").startswith("<text>:2:8")
    assert refusal(parse_net, "name: x\nlayer: [\n").startswith("<text>:2:8: not YAML")


def test_one_yaml_file_holds_solver_and_net(tmp_path):
    path = tmp_path / "train.yaml"
    path.write_text(f"solver:\n  base_lr: 0.1\nnet:\n  {YAML.replace(chr(10), chr(10) + '  ')}")
    overrides = ["solver.base_lr=0.2", "net.layer.a.relu_param.negative_slope=0.5"]
    spec = read_solver(path, overrides)
    assert isinstance(spec.net, NetSpec)
    assert spec.param.base_lr == pytest.approx(0.2)
    assert spec.net.param.layer[0].relu_param.negative_slope == 0.5
    assert spec.net_overrides == (overrides[1],)
    assert spec.base == spec.net.base == tmp_path
    assert read_net(path, overrides).param == spec.net.param
    assert str(spec.net.origins.layer("a")) == f"{path}:6:5"


@pytest.mark.parametrize(
    "text",
    [
        "solver: {base_lr: 0.5, lr_policy: fixed}\nnet: net.prototxt",
        "solver: {base_lr: 0.5, lr_policy: fixed, net: net.prototxt}",
        "base_lr: 0.5\nlr_policy: fixed\nnet: net.prototxt # by name",
        SOLVER,
    ],
)
def test_a_solver_that_names_its_net(text):
    spec = parse_solver(text, overrides=["net.name=x"])
    assert spec.net is None and spec.net_overrides == ("net.name=x",)
    assert spec.param == parse_solver(SOLVER).param


def test_nets_written_inside_a_solver_keep_their_place():
    spec = parse_solver("net_param { " + PROTOTXT + " }")
    assert spec.net is None and spec.param.net_param == parse_net(PROTOTXT).param
    again = parse_solver(to_yaml(spec.param))
    assert again.param == spec.param


def test_overrides_reach_nets_written_inside_a_solver():
    text = 'net_param { name: "a" } test_net_param { name: "b" }'
    param = parse_solver(text, overrides=["net.name=c"]).param
    assert (param.net_param.name, param.test_net_param[0].name) == ("c", "c")


def test_a_net_for_a_solver_and_the_reverse_are_recognised(tmp_path):
    solver, net, both = (tmp_path / name for name in ("s.prototxt", "n.prototxt", "b.yaml"))
    solver.write_text(SOLVER)
    net.write_text(PROTOTXT)
    both.write_text("solver: {net: x.yaml, base_lr: 1}")
    said = refusal(read_net, solver)
    assert said.startswith(f"{solver}: this is a solver, where a net is expected")
    assert 'give the net that it names, "net.prototxt"' in said
    assert "this is a net, where a solver is expected" in refusal(read_solver, net)
    assert 'give the net that it names, "x.yaml"' in refusal(read_net, both)
    assert "this is a net" in refusal(parse_solver, YAML)
    assert "this is a net" in refusal(parse_solver, "net:\n  layer: []")
    weights = tmp_path / "w.caffemodel"
    weights.write_bytes(NetParameter(name="x").SerializeToString())
    assert "this is a binary file" in refusal(read_solver, weights)
    assert "solver's state" in refusal(read_net, weights.rename(tmp_path / "w.solverstate"))


def test_a_solver_with_a_typo_is_still_a_solver():
    said = refusal(parse_solver, 'base_lr: 1\nnet: "x"\nlr_polizy: "step"\nlayer { }')
    assert 'did you mean "lr_policy"?' in said and 'unknown field "layer"' in said


def test_problems_of_both_sections_come_together():
    with pytest.raises(ConfigError) as caught:
        parse_solver("solver: {base_lt: 1}\nnet: {nam: x, name: y, name: z}\nextra: 1")
    said = str(caught.value)
    assert said.startswith("4 problems:\n")
    for part in ('"name" is given twice', '"base_lt"', '"nam"', 'unknown section "extra"'):
        assert part in said
    assert "hold the solver's fields" in refusal(parse_solver, "solver: 3\nnet: {name: x}")


def test_old_forms_are_upgraded_with_a_notice():
    spec = parse_net('layers { name: "r" type: RELU bottom: "x" top: "y" }')
    assert spec.param.layer[0].type == "ReLU" and spec.notices
    spec = parse_solver("solver_type: ADAM")
    assert spec.param.type == "Adam" and spec.notices


def test_copies_are_independent():
    spec = parse_net(PROTOTXT)
    copy = spec.copy()
    copy.param.name = "other"
    assert spec.param.name == "n" and copy.origins is spec.origins


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is not beside the checkout")
def test_real_files_are_read_and_round_trip_through_yaml():
    for path in sorted(SHARED.glob("models/**/*.prototxt")):
        if "solver" in path.name:
            spec = read_solver(path)
            assert parse_solver(to_yaml(spec.param)).param == spec.param, path
        else:
            net = read_net(path)
            assert parse_net(to_yaml(net.param)).param == net.param, path
