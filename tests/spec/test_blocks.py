"""Blocks and includes in YAML configs, and the layers that they come to."""

from __future__ import annotations

from pathlib import Path

from engine.schema import LayerParameter, NetParameter
from engine.spec import parse_net, parse_solver, read_net, read_solver

PAIR = """
blocks:
  pair:
    params: {n: , k: 1}
    layer:
      - name: conv
        type: Convolution
        convolution_param: {num_output: "${n}", kernel_size: "${k}"}
      - {name: relu, type: ReLU, top: conv}
"""


def layers(text: str, overrides: tuple[str, ...] = ()) -> list[LayerParameter]:
    return list(parse_net(text, "net.yaml", overrides).param.layer)


def wires(text: str) -> list[tuple[str, str, str]]:
    return [(x.name, " ".join(x.bottom), " ".join(x.top)) for x in layers(text)]


def test_block_names_and_chain() -> None:
    text = (
        PAIR
        + """
layer:
- {name: data, type: DummyData}
- {block: pair, name: one, n: 4}
- {block: pair, name: two, n: 8, k: 3}
- {name: last, type: ReLU, bottom: one}
"""
    )
    assert wires(text) == [
        ("data", "", "data"),
        ("one/conv", "data", "one/conv"),
        ("one/relu", "one/conv", "one/conv"),
        ("two/conv", "one/conv", "two/conv"),
        ("two/relu", "two/conv", "two/conv"),
        ("last", "one/conv", "last"),  # a use's name is its output
    ]
    two = layers(text)[3].convolution_param
    assert (two.num_output, list(two.kernel_size)) == (8, [3])


def test_full_names() -> None:
    text = """
blocks:
  b:
    layer:
    - {name: "res${name}_a", type: ReLU}
    - {name: /outside, type: ReLU}
    - {name: inside, type: Eltwise, bottom: ["res${name}_a", /outside, inside_not]}
layer: [{name: d, type: DummyData}, {block: b, name: 2}]
"""
    assert wires(text)[1:] == [
        ("res2_a", "d", "res2_a"),
        ("outside", "res2_a", "outside"),
        ("2/inside", "res2_a outside inside_not", "2/inside"),
    ]


def test_in_and_out() -> None:
    text = """
blocks:
  join:
    layer:
    - {name: a, type: ReLU, bottom: in2}
    - {name: sum, type: Eltwise, bottom: [in, a], top: out}
    - {name: aside, type: Silence, bottom: a}
layer:
- {name: d, type: DummyData, top: [x, y]}
- {block: join, name: j, bottom: [x, y]}
- {block: join, name: k, bottom: [x, j], top: made}
- {name: r, type: ReLU}
- {name: s, type: ReLU, bottom: k}
"""
    assert wires(text)[1:] == [
        ("j/a", "y", "j/a"),
        ("j/sum", "x j/a", "j"),
        ("j/aside", "j/a", ""),
        ("k/a", "j", "k/a"),
        ("k/sum", "x k/a", "made"),
        ("k/aside", "k/a", ""),
        ("r", "made", "r"),
        ("s", "made", "s"),
    ]


def test_repeat() -> None:
    text = """
vars: {times: 2}
blocks:
  u:
    params: {n: 0}
    layer: [{name: "${name}", type: ReLU, top: ["${name}", "n${name}_${n}"]}]
layer:
- {name: d, type: DummyData}
- {block: u, name: r, repeat: "${times}", n: "${10 * i}"}
- {block: u, name: s, repeat: [b, c]}
- {block: u, name: "x${item}y${i}", repeat: [7, 8], bottom: d}
- {block: u, name: none, repeat: 0}
- {block: u, name: "p${item}", repeat: [r1, r2], bottom: "${item}"}
"""
    assert wires(text)[1:] == [
        ("r1", "d", "r1 nr1_10"),
        ("r2", "r1", "r2 nr2_20"),
        ("sb", "r2", "sb nsb_0"),
        ("sc", "sb", "sc nsc_0"),
        ("x7y1", "d", "x7y1 nx7y1_0"),  # bottom: where the chain begins,
        ("x8y2", "x7y1", "x8y2 nx8y2_0"),
        ("pr1", "r1", "pr1 npr1_0"),  # unless it goes by item
        ("pr2", "r2", "pr2 npr2_0"),
    ]


def test_blocks_in_blocks() -> None:
    text = (
        PAIR
        + """
  two:
    params: [n]
    layer:
    - {block: pair, name: a, n: "${n}"}
    - {block: pair, name: b, bottom: in, n: "${2 * n}"}
    - {name: cat, type: Concat, bottom: [a, b]}
  bare:
    layer: [{block: pair, n: 1}]
layer:
- {name: d, type: DummyData}
- {block: two, name: t, n: 3}
- {block: bare, name: u}
- {block: pair, n: 2}
"""
    )
    assert [row[:2] for row in wires(text)[1:]] == [
        ("t/a/conv", "d"),
        ("t/a/relu", "t/a/conv"),
        ("t/b/conv", "d"),
        ("t/b/relu", "t/b/conv"),
        ("t/cat", "t/a/conv t/b/conv"),
        ("u/conv", "t/cat"),
        ("u/relu", "u/conv"),
        ("conv", "u/conv"),  # a use without a name adds none
        ("relu", "conv"),
    ]


def test_parameters_hide_variables_and_defaults_may_use_both() -> None:
    text = """
vars: {n: 5, m: 7}
blocks:
  b:
    params: {n: , half: "${n // 2 + m}"}
    layer: [{name: c, type: Convolution, convolution_param: {num_output: "${half}"}}]
layer: [{name: d, type: DummyData}, {block: b, name: x, n: "${n + 15}"}]
"""
    assert layers(text)[1].convolution_param.num_output == 17


def test_places_tell_how_a_value_came() -> None:
    text = PAIR + "vars: {w: 3}\nlayer:\n- {block: pair, name: one, n: '${w}'}\n"
    origins = parse_net(text, "net.yaml").origins
    place = origins.field("layer.one/conv.convolution_param.num_output")
    used = 'block "pair" used at net.yaml:12:3'
    assert str(place) == f"net.yaml:8:29 (${{n}} set at net.yaml:12:31, {used})"
    assert place is not None and place[:3] == ("net.yaml", 8, 29)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / "main.yaml"


def test_include_at_the_top(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="include: base.yaml\nvars: {n: 3}\nsolver: {base_lr: 0.5}\n"
        "net: {name: mine, layer: [{name: mine, type: ReLU}]}\n",
        base="vars: {n: 1, m: 2}\nsolver: {base_lr: 0.1, max_iter: '${10 * n + m}'}\n"
        "net: {name: base, force_backward: true, layer: [{name: d, type: DummyData}]}\n",
    )
    spec = read_solver(main)
    assert (spec.param.base_lr, spec.param.max_iter) == (0.5, 32)
    assert spec.net is not None and spec.net.param.name == "mine" and spec.net.param.force_backward
    assert [x.name for x in spec.net.param.layer] == ["d", "mine"]
    assert str(spec.net.origins.layer("d")).startswith(f"{tmp_path / 'base.yaml'}:3:")


def test_include_among_layers_and_below(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    main = write(
        tmp_path,
        main="vars: {n: 4}\nlayer:\n- {name: d, type: DummyData}\n- include: parts/stem.yaml\n"
        "- {block: pair, name: p, n: 2}\n",
    )
    stem = "vars: {n: 9}\ninclude: pair.yaml\nlayer: [{block: pair, name: s, n: '${n}'}]\n"
    write(tmp_path / "parts", stem=stem, pair=PAIR)
    net = read_net(main).param
    assert [x.name for x in net.layer] == ["d", "s/conv", "s/relu", "p/conv", "p/relu"]
    assert net.layer[1].convolution_param.num_output == 4


def test_include_of_bare_files_in_sections(tmp_path: Path) -> None:
    main = write(
        tmp_path,
        main="include: [net.yaml, how.yaml]\nsolver: {max_iter: 5}\n",
        net="name: n\nlayer: [{name: d, type: DummyData}]\n",
        how="base_lr: 0.1\nmax_iter: 9\n",
    )
    spec = read_solver(main)
    assert (spec.param.max_iter, round(spec.param.base_lr, 6)) == (5, 0.1)
    assert spec.net is not None and spec.net.param.name == "n"


def test_include_twice_is_no_cycle(tmp_path: Path) -> None:
    text = "layer: [{include: a.yaml}, {include: a.yaml}]\n"
    main = write(tmp_path, main=text, a="layer: [{name: r, type: DummyData}]\n")
    assert len(read_net(main).param.layer) == 2


def test_rules_on_phases_are_no_includes() -> None:
    text = "layer:\n- {name: a, type: ReLU, include: {phase: TEST}}\n- {name: b, include: []}\n"
    assert layers(text)[0].include[0].phase == 1


def test_nets_in_a_solver_expand_too() -> None:
    text = PAIR + "base_lr: 1\ntrain_net_param: {layer: [{block: pair, name: a, n: 1}]}\n"
    net: NetParameter = parse_solver(text, "s.yaml").param.train_net_param
    assert [x.name for x in net.layer] == ["a/conv", "a/relu"]
